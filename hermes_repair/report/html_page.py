"""A page that one can look at: one file of HTML, whole in itself, made from a template.

It has no script, loads nothing, and says so to the browser (Content-Security-Policy), so that a
hostile id, path or title can do nothing even where it is not what it seems. Every value that a
template prints has its control and direction characters spelled out and is then escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hermes_repair import __version__
from hermes_repair.model.words import count, escape, second, verb

MARK = '<!DOCTYPE html>\n<html lang="en" data-made-by="hermes-repair"'
"""What every page of ours begins with: only such a file is replaced."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hermes_repair.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelled_out,
    )
    environment.filters.update(count=count, verb=verb, percent=_percent)
    return environment


def _spelled_out(value: Any) -> Any:
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def render(template: str, made_at: float, **values: Any) -> str:
    """Return a page; ``made_at`` is in epoch seconds, ``template`` a name without its ending."""
    common: Mapping[str, Any] = {"version": __version__, "made_at": second(made_at)}
    return _environment().get_template(f"{template}.html").render(**common, **values)
