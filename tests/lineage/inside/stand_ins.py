"""Stands in for packages of the index that a release imports and that nothing here calls."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types

ABSENT = {"dotenv", "httpx", "openai", "requests"}


class _Anything(type):
    """A class of which every attribute is such a class, and which can be called and raised."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _made(name)


def _made(name):
    def call(self, *args, **kwargs):
        return self

    return _Anything(name, (Exception,), {"__init__": lambda *_, **__: None, "__call__": call})


class _StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _made(name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _StandIn(spec.name)

    def exec_module(self, module):
        module.__path__ = []


sys.meta_path.append(_Finder())  # last: what is installed is used
