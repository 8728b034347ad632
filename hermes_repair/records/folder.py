"""Our folder in a home: ``<home>/hermes-repair/``, private, owned as state.db is (R8).

receipts/0007-20261120T101500Z-repair.db    what was done, newest number last
backups/<receipt>/state.db                  the whole file before a migration
sources/<receipt>/<name>.gz                 transcript files that messages came from
acknowledged.json                           findings that the user accepts
identity                                    which home this is: receipts of another are not undone
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.host.regular_files import parse_json, read_small
from hermes_repair.model.commands_to_type import advice, command, quoted
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.records.owned_files import (
    POSIX,
    NotOurs,
    Ownership,
    is_folder,
    make_folder,
    new_file,
    opened,
    own_file,
)
from hermes_repair.records.plan_database import sync

LIST_RECEIPTS = advice("`{}` lists the receipts.", command("history"))
_IDENTITY = re.compile(r"[0-9a-f]{32}")
_IDENTITY_BYTES = 33  # with the end of its line

ACKNOWLEDGED = "acknowledged.json"
_MOST_DECISIONS = 8 << 20  # bytes: more findings than anybody accepts one by one

DAMAGED = "damaged"
"""What copies of a damaged database are called."""

SALVAGED = "salvaged"
"""What folders are called in which a new database is made."""

_RECEIPT = re.compile(r"(\d{4,})-\d{8}T\d{6}Z-([a-z-]+)\.db")
HALF = ".part"
"""Ends the name of a file that is being made."""
_HALF = re.compile(_RECEIPT.pattern + rf"\{HALF}(-journal)?")


def is_half_made(place: Path) -> bool:
    """Whether a folder among the backups is one in which a new database is made: no copy to keep.

    A run that is not killed takes it away again; else the next one that writes does.
    """
    return place.name.startswith(f"{SALVAGED}-")


def number_of(receipt: Path) -> int:
    """Return the number of a receipt, which alone decides the order."""
    return int(receipt.name.partition("-")[0])


@dataclass(frozen=True, slots=True)
class Folder:
    """Our folder below one home; made on first use, with the owner of state.db."""

    path: Path
    owner: Ownership | None

    @property
    def receipts(self) -> Path:
        return self.path / "receipts"

    @property
    def run_lock(self) -> Path:
        """The file that a run of ours that writes keeps locked; that it is there means nothing."""
        return self.path / "run.lock"

    @property
    def _identity(self) -> Path:
        return self.path / "identity"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def sources(self) -> Path:
        return self.path / "sources"

    @property
    def _top(self) -> Path:
        """The home: what lies above our folder is not ours, and how it is reached neither."""
        return self.path.parent

    @property
    def _parts(self) -> tuple[Path, ...]:
        return (self.path, self.receipts, self.backups, self.sources)

    @property
    def in_the_way(self) -> Path | None:
        """What stands where our folder or a part of it should be, and is none; None as a rule."""
        there = (part for part in self._parts if part.is_symlink() or part.exists())
        return next((part for part in there if not is_folder(part)), None)

    def prepare(self) -> bool:
        """Make the folder and its parts, 0700; return whether there was none before.

        Raises :class:`Refused` where that cannot be, and has made nothing then.
        """
        self.require_owner()
        with ExitStack() as undo:
            created = []
            for part in self._parts:
                if self._make(part):
                    created.append(part)
                    undo.callback(part.rmdir)
            undo.pop_all()
        return self.path in created

    def require_owner(self) -> None:
        """Raise :class:`Refused` for a user who could not give what he makes to the owner."""
        if self.owner is not None and POSIX and os.geteuid() not in (0, self.owner.uid):
            raise Refused(
                f"state.db belongs to {self.owner.user}, and so must everything that hermes-repair"
                f" keeps in {self.path}.",
                self.as_owner,
            )

    def remove_empty(self) -> None:
        """Remove the folder again where nothing was put into it. Who calls this has the lock."""
        places = [self.receipts, self.backups, self.sources]
        others = set(self.path.iterdir()) - {*places, self.run_lock, self._identity}
        if others or any(any(place.iterdir()) for place in places):
            return
        with suppress(OSError):  # somebody has begun to use it: then it is to stay
            for place in places:
                place.rmdir()
            self._identity.unlink(missing_ok=True)
            self.run_lock.unlink()
            self.path.rmdir()

    def identity(self) -> str | None:
        """Return what says that this is the same home, wherever it is moved; None where unknown."""
        try:
            identity = read_small(self._identity, _IDENTITY_BYTES).decode("ascii").strip()
        except (OSError, ValueError):
            return None
        return identity if _IDENTITY.fullmatch(identity) else None

    def identify(self, identity: str) -> str:
        """Return the identity of this home; where it has none, ``identity`` from now on."""
        known = self.identity()
        if known is not None:
            return known
        self._replace(self._identity, f"{identity}\n")
        return identity

    def acknowledged(self) -> Mapping[str, str]:
        """Return fingerprint -> reason; empty where nothing was acknowledged yet.

        Raises :class:`Refused` where the file is not what we wrote, rather than forget decisions.
        """
        path = self.path / ACKNOWLEDGED
        try:
            data = parse_json(read_small(path, _MOST_DECISIONS))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Refused(
                f"{path} cannot be read: {error}.", "Fix or remove that file, then run this again."
            ) from error
        if not isinstance(data, dict):
            raise Refused(
                f"{path} is not a list of findings.", "Remove that file, then run this again."
            )
        return {str(key): str(value) for key, value in data.items()}

    def acknowledged_or_why(self) -> tuple[Mapping[str, str], str | None]:
        """Return :meth:`acknowledged`; nothing, and why, where the file cannot be read."""
        try:
            return self.acknowledged(), None
        except Refused as error:
            return {}, error.message

    def acknowledge(self, fingerprint: str, reason: str) -> None:
        """Remember that a finding is accepted, and why: out of the exit code, not of the report."""
        self._decide({**self.acknowledged(), fingerprint: reason})

    def take_back(self, fingerprint: str) -> None:
        """Forget that a finding is accepted."""
        known = self.acknowledged()
        self._decide({name: why for name, why in known.items() if name != fingerprint})

    def _decide(self, known: Mapping[str, str]) -> None:
        self.prepare()
        text = json.dumps(known, indent=1, sort_keys=True) + "\n"
        self._replace(self.path / ACKNOWLEDGED, text)

    def _replace(self, path: Path, text: str) -> None:
        """Write a small file of ours anew, durably: it has the old text or the new one."""
        part = path.with_name(path.name + ".part")
        with os.fdopen(self.create(part), "w", encoding="utf-8") as stream:
            stream.write(text)
        self.own(part)
        sync(part)
        part.replace(path)
        sync(path)

    def make(self, part: Path) -> Path:
        """Make one folder of ours, durably, or see that it is one. Raises :class:`Refused`."""
        self._make(part)
        return part

    def _make(self, part: Path) -> bool:
        try:
            return make_folder(part, self._top, self.owner)
        except OSError as error:
            raise self.denied(part, error) from error

    def own(self, path: Path) -> None:
        """Give a file of ours the owner and group of state.db, and nobody else any rights."""
        try:
            own_file(path, self._top, self.owner)
        except OSError as error:
            raise self.denied(path, error) from error

    def create(self, path: Path) -> int:
        """Return the descriptor of a new private file of ours, made in the place of a leftover."""
        try:
            return new_file(path, self._top)
        except OSError as error:
            raise self.denied(path, error) from error

    @property
    def as_owner(self) -> str:
        """The hint for somebody who is not the owner of state.db."""
        who = self.owner.login if self.owner is not None else "its owner"
        return f"Run it as the owner of state.db: sudo -u {who} hermes-repair ..."

    def denied(self, path: Path, error: OSError) -> Refused:
        """Return what is said where something of ours cannot be written, and what would help."""
        if isinstance(error, NotOurs):
            return self._replaced(error)
        problem = f"hermes-repair cannot keep its records in {path}: {error.strerror}."
        if isinstance(error, PermissionError):
            return Refused(problem, self.way_in(path if os.path.lexists(path) else path.parent))
        return Refused(problem, "Check the disk of the Hermes folder.")

    def _replaced(self, error: NotOurs) -> Refused:
        """Return what is said of something that is not ours and stands in our place."""
        problem = f"{error.place} {error.what}"
        if error.foreign and self.owner is not None:
            problem += (
                f", and what hermes-repair keeps must be {self.owner.user}'s, as state.db is."
            )
            return Refused(problem, self._give(error.place))
        problem += ", and hermes-repair keeps its records in a folder of that name."
        return Refused(problem, f"Move {error.place} away, then run this again.")

    def way_in(self, place: Path) -> str:
        """Return what lets us write a file or folder of the home that we may not write now."""
        if not POSIX or self.owner is None:
            return "Check the permissions of the Hermes folder."
        if os.geteuid() != self.owner.uid:
            return self.as_owner
        if not place.exists():
            return f"Check the permissions of {place.parent}."
        if place.stat().st_uid != self.owner.uid:
            return self._give(place)
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return "Its filesystem is mounted read-only: mount it for writing."
        return f"It belongs to you, so you can allow it: chmod u+rwX {quoted(str(place))}"

    def _give(self, place: Path) -> str:
        who = self.owner.user if self.owner is not None else "its owner"
        return (
            "If hermes-repair made it, give it to the owner of state.db:"
            f" sudo chown -R {who}: {quoted(str(place))}"
        )

    def receipt_paths(self) -> list[Path]:
        """Return the receipts, oldest first; empty where there is no folder yet."""
        if not (is_folder(self.path) and is_folder(self.receipts)):
            return []
        paths = [path for path in self.receipts.iterdir() if _RECEIPT.fullmatch(path.name)]
        return sorted(paths, key=number_of)

    def leftovers(self) -> list[Path]:
        """Return what only a run that was killed leaves half made: receipts, databases, copies.

        For a run that has the lock of the home.
        """
        found: list[Path] = []
        if is_folder(self.path) and is_folder(self.receipts):
            found += [path for path in self.receipts.iterdir() if _HALF.fullmatch(path.name)]
        for top in (self.backups, self.sources):
            made = top.iterdir() if is_folder(self.path) and is_folder(top) else ()
            for place in filter(is_folder, made):
                if is_half_made(place):
                    found.append(place)
                else:
                    found += [path for path in place.iterdir() if path.suffix == HALF]
        return sorted(found)

    def new_receipt(self, command: str, now: float) -> Path:
        """Return the path of the next receipt."""
        known = self.receipt_paths()
        number = number_of(known[-1]) + 1 if known else 1
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        return self.receipts / f"{number:04d}-{stamp}-{command}.db"

    def find_receipt(self, named: str) -> Path:
        """Return the receipt that a user means by its number or its whole name."""
        stem = named.removesuffix(".db")
        for path in self.receipt_paths():
            number = path.name.partition("-")[0].lstrip("0")
            if path.stem == stem or (stem.isdecimal() and stem.lstrip("0") == number):
                return path
        raise UsageError(
            f"There is no receipt {named!r} in {self.receipts}.",
            LIST_RECEIPTS,
        )

    def backup_dir(self, receipt: Path) -> Path:
        """Return where the file backup of a receipt lies."""
        return self.backups / receipt.stem

    def new_backup(self, what: str, now: float) -> Path:
        """Make a folder for a copy that belongs to no receipt, named by what it is and when."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        return self.make(self._unused(f"{what}-{stamp}"))

    def _unused(self, name: str) -> Path:
        """Return a place for a copy that has this name, or the next one that nobody has."""
        place, number = self.backups / name, 1
        while place.exists():
            number += 1
            place = self.backups / f"{name}-{number}"
        return place

    def mark_damaged(self, backup: Path) -> Path:
        """Give a copy a name that says that it is one of a damaged database; return its folder."""
        target = self._unused(f"{DAMAGED}-{backup.name}")
        backup.rename(target)
        sync(target)
        return target

    def source_dir(self, receipt: Path) -> Path:
        """Return where the transcript files of a receipt are kept."""
        return self.sources / receipt.stem

    def rotate(self, command: str, keep: int) -> None:
        """Delete the oldest receipts of a command that are done with, all but ``keep`` of them."""
        paths = [p for p in self.receipt_paths() if p.stem.endswith(f"Z-{command}")]
        for path in paths[:-keep]:
            path.unlink()

    def discard(self, receipt: Path) -> None:
        """Delete the receipt of a run that changed nothing."""
        receipt.unlink()

    def remove_backup(self, backup: Path) -> None:
        """Delete one backup folder of ours."""
        if backup.parent != self.backups:
            raise ValueError(f"{backup} is not a backup of ours")
        with opened(self.backups, self._top) as place:
            shutil.rmtree(backup.name, dir_fd=place)
