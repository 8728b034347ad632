"""What a test needs, found by what it refers to: so that no mark has to be set by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

RELEASES = "tests.releases"


def uses_releases(item: pytest.Function) -> bool:
    """Tell whether a test, its fixtures or its parameters refer to ``tests.releases``.

    Followed are the names of functions, classes, tables and modules of ours. What only a value at
    run time leads to is not seen: ``run_release`` says so when such a test comes to it.
    """
    definitions = item._fixtureinfo.name2fixturedefs
    fixtures = [definitions[name][-1].func for name in item.fixturenames if name in definitions]
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(map(_function_does, (item.function, *fixtures))) or any(map(_does, values))


@cache
def _function_does(function: FunctionType) -> bool:
    return _does(function)


_led_nowhere: dict[int, Any] = {}
"""What is known to lead to no release, by its id; kept, so that no other value gets that id."""


def _does(value: Any) -> bool:
    """Tell whether a value leads to ``tests.releases``."""
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or id(value) in _led_nowhere:
            continue
        seen[id(value)] = value
        if getattr(value, "__module__", None) == RELEASES:
            return True
        waiting += _referred(value)
    _led_nowhere.update(seen)
    return False


def _referred(value: Any) -> Iterator[Any]:
    """Yield what a value of ours leads to."""
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, (tuple, list, set, frozenset)):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif not _ours(value):
        return
    elif isinstance(value, FunctionType):
        names = set(_names(value.__code__))
        found = [value.__globals__[name] for name in names if name in value.__globals__]
        modules = [one for one in found if isinstance(one, ModuleType) and _ours(one)]
        yield from found
        yield from (vars(one)[name] for one in modules for name in names & vars(one).keys())
    elif isinstance(value, type):
        yield from vars(value).values()
    else:
        yield type(value)


def _ours(value: Any) -> bool:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return isinstance(name, str) and name.startswith("tests.") and name in sys.modules


def _names(code: CodeType) -> Iterator[str]:
    """Yield the global names and attributes that a function and those inside it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
