"""Files that a command was asked to write beside what it prints: pages, what was found last."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from hermes_repair.model.errors import Refused, UsageError


def require_place(path: Path, homes: Sequence[Path], mark: str | None) -> None:
    """Refuse to write a file where it would change a home, or replace what is not ours.

    ``homes`` are their folders; a file of ours begins with ``mark``, and without one nothing is
    replaced. Raises :class:`UsageError` for
    a folder that is not there, :class:`Refused` for the others.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Name a file in one that is there.")
    for home in homes:
        if folder.resolve().is_relative_to(home.resolve()):
            raise Refused(
                f"{path} lies in the Hermes home {home}, where looking changes nothing.",
                "Name a file in another folder.",
            )
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if mark is None:
        raise Refused(f"{path} is there already.", "Name another file.")
    if not stat.S_ISREG(mode) or not _begins_with(path, mark.encode()):
        raise Refused(
            f"{path} is there already and is no such file of hermes-repair.", "Name another file."
        )


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def write(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; only the user may read it.

    Raises :class:`Refused` where the folder takes no file.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise Refused(
            f"{path} could not be written: {error.strerror}.", "Name a file in another folder."
        ) from error
