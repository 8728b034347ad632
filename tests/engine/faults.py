"""A shim between the engine and the system: counts, records, and fails at the n-th step.

A step is one SQL statement of the engine (on state.db or on a receipt of ours) or one change that
it makes to files: open for writing, fsync, rename, unlink, mkdir, chmod, chown, copy. SQLite's own
writes are not seen; what SQLite promises about them is SQLite's to keep.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.host import byte_reader, byte_worker
from hermes_repair.model.values import decode_text
from hermes_repair.store import connections

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Step:
    """One thing that the engine did: ``what`` (``sql``, ``fsync``, ...), on which file, and how."""

    what: str
    path: str
    detail: str = ""


@dataclass
class Shim:
    """Counts steps below ``root``; ``fail`` hears of each with its number, before it is done."""

    root: Path
    fail: Callable[[int, Step], None] = lambda _number, _step: None
    steps: list[Step] = field(default_factory=list)
    active: bool = True

    def step(self, what: str, path: object, detail: str = "") -> None:
        """Note one step; whatever ``fail`` raises comes out of the engine's own call."""
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
        if not self.active or not name.startswith(str(self.root)):
            return
        made = Step(what, name, detail)
        self.steps.append(made)
        self.fail(len(self.steps), made)


def fail_at(number: int, make: Callable[[Step], BaseException]) -> Callable[[int, Step], None]:
    """Return a ``fail`` that raises ``make(step)`` at one step and never again."""

    def fail(now: int, step: Step) -> None:
        if now == number:
            raise make(step)

    return fail


def kill_at(number: int) -> Callable[[int, Step], None]:
    """Return a ``fail`` that ends the process as ``kill -9`` does."""

    def fail(now: int, _step: Step) -> None:
        if now == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return fail


def disk_error(step: Step) -> BaseException:
    """Return what SQLite or the system says when the disk gives out."""
    if step.what == "sql":
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        return error
    return OSError(5, "Input/output error", step.path)


def full_disk(step: Step) -> BaseException:
    """Return what they say when it is full."""
    if step.what == "sql":
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        return error
    return OSError(28, "No space left on device", step.path)


def interrupt(_step: Step) -> BaseException:
    """Return what ^C is."""
    return KeyboardInterrupt()


@contextmanager
def shimmed(shim: Shim, *, in_process: bool = True) -> Iterator[Shim]:
    """Put the shim in; ``in_process``: what reads database bytes runs in this process meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        if in_process:
            bytes_in_process(patch)
        patch.setattr(connections, "_connect", _connecting(shim))
        _patch_files(patch, shim)
        try:
            yield shim
        finally:
            shim.active = False


def bytes_in_process(patch: pytest.MonkeyPatch) -> None:
    """Run the worker's operations here: a process each time would make a loop last for hours."""
    patch.setattr(byte_reader, "_ask", ask_here)


def ask_here(arguments: Sequence[str], seconds: float | None) -> Any:
    """Answer as :func:`hermes_repair.host.byte_reader._ask` does, in this process.

    That drops our own POSIX locks on the files, which nobody else asks for in these tests; so
    nobody looks through the descriptors of all processes either.
    """
    operation, *rest = arguments
    with _closing_descriptors():
        if operation == "look":
            nobody = {"proc": True, "open": [], "denied": [], "lock_lines": []}
            return [{**byte_worker.probe(os.fsencode(path)), **nobody} for path in rest]
        return byte_worker.OPERATIONS[operation](*map(os.fsencode, rest))


@contextmanager
def _closing_descriptors() -> Iterator[None]:
    """Close what the worker leaves open: as a process of its own it just ends."""
    real, opened = os.open, set()

    def noting(*arguments: Any, **named: Any) -> int:
        descriptor = real(*arguments, **named)
        opened.add(descriptor)
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", noting)
        try:
            yield
        finally:
            for descriptor in opened:
                with suppress(OSError):  # the worker closed it itself
                    os.close(descriptor)


class _Connection(sqlite3.Connection):
    """A connection that tells the shim of each statement before it runs."""

    shim: Shim
    path: str

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        self.shim.step("sql", self.path, sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
        cursor = self.cursor()
        for row in parameters:
            self.shim.step("sql", self.path, sql)
            cursor = super().execute(sql, row)
        return cursor

    def executescript(self, script: str) -> sqlite3.Cursor:
        statement, cursor = "", self.cursor()
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                self.shim.step("sql", self.path, statement)
                cursor = super().execute(statement)
                statement = ""
        return cursor


def _connecting(shim: Shim) -> Callable[..., sqlite3.Connection]:
    def connect(path: Path, query: str, *, any_thread: bool = False) -> sqlite3.Connection:
        shim.step("connect", path, query)
        connection = sqlite3.connect(
            f"file:{path}?{query}",
            uri=True,
            isolation_level=None,
            factory=_Connection,
            check_same_thread=not any_thread,
        )
        connection.shim = shim
        connection.path = str(path)
        connection.text_factory = decode_text
        return connection

    return connect


def _patch_files(patch: pytest.MonkeyPatch, shim: Shim) -> None:
    real_open, real_os_open, real_fsync = io.open, os.open, os.fsync
    names: dict[int, str] = {}

    def opened(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if any(letter in mode for letter in "wax+"):
            shim.step("open", file, mode)
        return real_open(file, mode, *rest, **named)

    def os_opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & WRITING:
            shim.step("open", path, str(flags))
        descriptor = real_os_open(path, flags, *rest, **named)
        names[descriptor] = os.fsdecode(path)
        return descriptor

    def synced(descriptor: int) -> None:
        shim.step("fsync", names.get(descriptor, "?"))
        real_fsync(descriptor)

    def told(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(path: Any, *rest: Any, **named: Any) -> Any:
            shim.step(name, path)
            return real(path, *rest, **named)

        return call

    for place in (io, builtins):
        patch.setattr(place, "open", opened)
    patch.setattr(os, "open", os_opened)
    patch.setattr(os, "fsync", synced)
    for name in ("mkdir", "replace", "rename", "unlink", "chmod", "chown", "rmdir", "truncate"):
        patch.setattr(os, name, told(name))
