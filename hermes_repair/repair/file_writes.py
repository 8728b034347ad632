"""Doing and taking back what a unit does to a file of the home.

A file is no part of a transaction. Its unit does nothing else, so it is done if and only if the
file has the new bytes, and that is read again after a kill. The transaction is open all the same:
nobody else can begin to write to the database meanwhile, and a gateway does so when it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from hermes_repair.model.actions import FileRewrite
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Changed, Refused, WrittenSince
from hermes_repair.repair.step_errors import PLAN_AGAIN


class HomeFiles(Protocol):
    """Files of a home that may be written anew, each named as in its action."""

    def read(self, path: str) -> bytes | None:
        """Return all bytes of a file, None where there is none that can be read."""

    def write(self, path: str, data: bytes) -> None:
        """Replace a file whole, durable when this returns; raises ``OSError`` with it as it was."""


class NoFiles:
    """For a run whose units write no file."""

    def read(self, path: str) -> bytes | None:
        raise AssertionError(f"{path} is read by a run that has no files")

    def write(self, path: str, _data: bytes) -> None:
        raise AssertionError(f"{path} is written by a run that has no files")


@dataclass(slots=True)
class Tried:
    """The files of a home as they would be: what is written here is kept in memory only."""

    files: HomeFiles
    _written: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        return self._written[path] if path in self._written else self.files.read(path)

    def write(self, path: str, data: bytes) -> None:
        self._written[path] = data


def rewrite(files: HomeFiles, action: FileRewrite) -> None:
    """Give a file its new bytes; raises :class:`Changed` where it is not as the plan expects."""
    if files.read(action.path) != action.before:
        raise Changed(f"{action.path} changed after the plan was made.", PLAN_AGAIN)
    _write(files, action.path, action.after)


def take_back(files: HomeFiles, action: FileRewrite) -> None:
    """Give a file its old bytes again; raises :class:`WrittenSince` where it was written since."""
    if files.read(action.path) != action.after:
        raise WrittenSince(
            f"This cannot be undone: {action.path} was written after the repair.",
            advice(
                "Nothing was undone. To undo an earlier run, name it: `{}` lists them.",
                command("history"),
            ),
        )
    _write(files, action.path, action.before)


def _write(files: HomeFiles, path: str, data: bytes) -> None:
    try:
        files.write(path, data)
    except OSError as error:
        raise Refused(
            f"{path} could not be written: {error.strerror or error}.",
            "The file is as it was. Fix that, then run the same command again.",
        ) from error
