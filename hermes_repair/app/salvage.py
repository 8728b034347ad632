"""``salvage``: a sound database out of the bytes of a damaged one.

A child process reads the damaged files as bytes and opens SQLite on the new file only: so no lock
of SQLite's is dropped by closing a descriptor, and a hostile file cannot take this process down.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from hermes_repair import host
from hermes_repair.app.leftovers import making_folder, remove_unfinished
from hermes_repair.model.errors import Changed, HermesRepairError, Refused
from hermes_repair.model.salvage_ledger import Ledger, Noted, from_document
from hermes_repair.records.plan_database import sync
from hermes_repair.salvage import Bundle, NoPages

__all__ = ["NoPages", "Reading", "Salvaged", "reading"]

MODULE = "hermes_repair.app.salvage_process"
ROOM = 1 << 20
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
SIDE_FILES = {
    "ledger.json": ".ledger.json",
    "unassigned.db": ".unassigned.db",
    "deleted.db": ".deleted.db",
    "state.db": "",
}
"""What the child makes, and what it is called after the target; the database itself comes last."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A database that was made, verified and is on disk, and what lies beside it.

    ``ledger_file`` is the ledger as JSON. ``unassigned`` is a SQLite file of ours with what could
    not be given a place in the new one, ``deleted`` one with what was deleted before; None where
    there is none. ``recovered`` tells of runs that were killed and left something.
    """

    database: Path
    ledger: Ledger
    ledger_file: Path
    unassigned: Path | None
    deleted: Path | None
    recovered: tuple[str, ...] = ()


class Reading:
    """A damaged database that was read and of which nothing is written yet.

    ``ledger`` says what can be read, before anything is written.
    """

    def __init__(self, child: _Child, ledger: Ledger, unchanged: Callable[[], None]) -> None:
        self._child = child
        self._unchanged = unchanged
        self.ledger = ledger

    def make(self, target: Path, *, deleted: bool = False) -> Salvaged:
        """Write the new database to ``target``, check it, and say what it has.

        The files appear whole, fsynced and verified, or not at all: the ledger
        (``TARGET.ledger.json``), the side files (``TARGET.unassigned.db``, ``TARGET.deleted.db``)
        and last ``target`` itself. Nothing that is there is overwritten. They belong to this user,
        mode 0600. Raises :class:`~hermes_repair.model.errors.Refused` where a file of such a name
        is there or the disk has no room, and
        :class:`~hermes_repair.model.errors.HermesRepairError` where the new file is not sound.
        """
        target = target.absolute()
        places = {name: target.with_name(target.name + end) for name, end in SIDE_FILES.items()}
        require_free(target, places)
        self._require_room(target.parent)
        with making(target) as (folder, recovered):
            answer = self._child.ask("made", make=str(folder), deleted=deleted)
            there = {name: place for name, place in places.items() if (folder / name).exists()}
            self._unchanged()
            require_free(target, places)
            put(folder, there)
        return Salvaged(
            target,
            from_document(answer),
            places["ledger.json"],
            there.get("unassigned.db"),
            there.get("deleted.db"),
            recovered,
        )

    def _require_room(self, folder: Path) -> None:
        """Raise :class:`Refused` where the disk has less than a file of the same size needs.

        What is left aside takes the place of what is not written, and a search table is as large as
        it was; a quarter more is for the journal of our own and for what was deleted.
        """
        need = ROOM + self.ledger.pages * self.ledger.page_size * 5 // 4
        free = host.free_bytes(folder)
        if free < need:
            raise Refused(
                f"The new database needs up to {need:,} bytes in {folder}; {free:,} are free.",
                "Nothing was written. Free some space, or name a file on another disk.",
            )


@contextmanager
def reading(  # noqa: PLR0913 - what is known of the files, by name
    bundle: Bundle,
    tell: Callable[[str], None],
    now: float,
    unchanged: Callable[[], None] = lambda: None,
    notes: Sequence[Noted] = (),
    expected: int | None = None,
    store: str | None = None,
) -> Iterator[Reading]:
    """Read a damaged database in a process of its own, which ends on the way out.

    The bundle must not change meanwhile: that nobody has it open is the caller's to know. ``tell``
    hears how far it is, a sentence at a time. ``now`` (epoch seconds) stands for times that are
    lost. ``unchanged`` raises where the bundle was written to since, and is asked before the new
    files get their names. ``notes`` are for the ledger, beside those of the reader.
    ``expected`` is the schema number that the installed Hermes expects, if known: where the file
    does not tell its own and several fit, it is the one. ``store`` is the name of a database that
    is not state.db. Raises
    :class:`~hermes_repair.salvage.bundle.NoPages` where there is nothing to read, and
    :class:`OSError` for a file that may not be read.
    """
    with _child(tell) as child:
        answer = child.ask(
            "ledger",
            read={"main": _named(bundle.main), "wal": _named(bundle.wal),
                  "journal": _named(bundle.journal)},
            now=now,
            notes=[asdict(note) for note in notes],
            expected=expected,
            store=store,
        )  # fmt: skip
        yield Reading(child, from_document(answer), unchanged)


def _named(path: Path | None) -> str | None:
    return str(path.absolute()) if path is not None else None


@contextmanager
def _child(tell: Callable[[str], None]) -> Iterator[_Child]:
    """Start the process, and end it: what it has not finished then is worth nothing."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            yield _Child(process, errors, tell)
        finally:
            process.kill()
            process.communicate()


@dataclass(frozen=True, slots=True)
class _Child:
    """The process of :mod:`.salvage_process`, asked line by line."""

    process: subprocess.Popen[str]
    errors: IO[bytes]
    tell: Callable[[str], None]

    def ask(self, answer: str, **order: Any) -> Any:
        """Send one order and return what comes under ``answer``; progress is passed on."""
        requests, answers = _pipe(self.process.stdin), _pipe(self.process.stdout)
        try:
            requests.write(json.dumps(order) + "\n")
            requests.flush()
        except BrokenPipeError:
            raise self._died() from None
        for line in answers:
            said = json.loads(line)
            if answer in said:
                return said[answer]
            if "error" in said:
                raise _error(said["error"])
            self.tell(said["tell"])
        raise self._died()

    def _died(self) -> HermesRepairError:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "backslashreplace").strip().splitlines()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        last = f": {lines[-1]}" if lines else ""
        return HermesRepairError(
            f"The process that reads the damaged files ended with {how}{last}.",
            "Nothing was changed. Please report this.",
        )


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


_KINDS = {kind.__name__: kind for kind in (NoPages, Refused, Changed)}


def _error(said: dict[str, Any]) -> Exception:
    """Return what the child met, as it would have been raised here."""
    if "kind" not in said:
        return OSError(said["errno"] or errno.EIO, said["message"] or "input/output", said["path"])
    kind = _KINDS.get(said["kind"], HermesRepairError)
    return kind(said["message"], said["hint"])


@contextmanager
def making(target: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield a folder beside a file that is to be made, which goes again.

    Such folders of runs that were killed go first; a sentence tells of each.
    """
    recovered = tuple(remove_unfinished(target))
    folder = making_folder(target)
    folder.mkdir(mode=0o700)
    try:
        yield folder, recovered
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_free(target: Path, places: dict[str, Path]) -> None:
    """Raise :class:`Refused` where a file cannot be made, or one of ``places`` is there."""
    if target.name.endswith(SIDE_SUFFIXES):
        raise Refused(
            f"SQLite would take {target.name} for what belongs to another file.",
            "Nothing was written. Name a file that does not end like that.",
        )
    if not target.parent.is_dir():
        raise Refused(
            f"{target.parent} is no folder.", "Nothing was written. Name a file in one that is."
        )
    for place in places.values():
        if os.path.lexists(place):
            raise Refused(
                f"{place} is there already.",
                "Nothing was written. Name another file, or move that one away.",
            )
        for end in SIDE_SUFFIXES if not place.name.endswith(".json") else ():
            left = place.with_name(place.name + end)
            if os.path.lexists(left):
                raise Refused(
                    f"{left} is left of an older database, and SQLite would play it into"
                    f" {place.name}.",
                    "Nothing was written. Name another file, or move that one away.",
                )


def put(folder: Path, places: dict[str, Path]) -> None:
    """Give every file of a folder its name, the last one last; none where one cannot have it."""
    done: list[Path] = []
    try:
        for name, place in places.items():
            _name_once(folder / name, place)
            done.append(place)
    except OSError:
        for place in done:
            place.unlink()
        raise
    sync(folder)
    for place in done[-1:]:
        sync(place)


def _name_once(made: Path, place: Path) -> None:
    """Give a file its name where that is free."""
    try:
        place.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(place):
            raise
        made.rename(place)
