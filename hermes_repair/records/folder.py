"""Our folder in a home: ``<home>/hermes-repair/``, private, owned as state.db is (R8).

receipts/0007-20261120T101500Z-repair.db    what was done, newest number last
backups/<receipt>/state.db                  the whole file before a migration
sources/<receipt>/<name>.gz                 transcript files that messages came from
acknowledged.json                           findings that the user accepts
identity                                    which home this is: receipts of another are not undone
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.records.planfile import sync
from hermes_repair.records.small import read_small

_IDENTITY = re.compile(r"[0-9a-f]{32}")
_IDENTITY_BYTES = 33  # with the end of its line

DAMAGED = "damaged"
"""What copies of a damaged database are called."""

_RECEIPT = re.compile(r"(\d{4,})-\d{8}T\d{6}Z-([a-z-]+)\.db")


def number_of(receipt: Path) -> int:
    """Return the number of a receipt, which alone decides the order."""
    return int(receipt.name.partition("-")[0])


@dataclass(frozen=True, slots=True)
class Ownership:
    """Owner and group that everything of ours must have: those of state.db."""

    uid: int
    gid: int
    user: str


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

    def prepare(self) -> bool:
        """Make the folder and its parts, 0700; return whether there was none before.

        Raises :class:`Refused` where that cannot be.
        """
        new = not self.path.is_dir()
        for part in (self.path, self.receipts, self.backups, self.sources):
            self.make(part)
        return new

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
            found = read_small(self._identity, _IDENTITY_BYTES).decode("ascii").strip()
        except (OSError, ValueError):
            return None
        return found if _IDENTITY.fullmatch(found) else None

    def identify(self, identity: str) -> str:
        """Return the identity of this home; where it has none, ``identity`` from now on."""
        known = self.identity()
        if known is not None:
            return known
        part = self._identity.with_name(self._identity.name + ".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(f"{identity}\n")
        self.own(part)
        sync(part)
        part.replace(self._identity)
        sync(self._identity)
        return identity

    def make(self, part: Path) -> Path:
        """Make one folder of ours, durably, or see that it is one."""
        try:
            if not part.is_dir():
                part.mkdir(mode=0o700)
                sync(part)
        except FileExistsError:
            raise Refused(
                f"{part} is a file, and hermes-repair keeps its records in a folder of that name.",
                "Move that file away, then run this again.",
            ) from None
        except OSError as error:
            raise self.denied(part, error) from error
        self.own(part)
        return part

    def own(self, path: Path) -> None:
        """Give a file or folder of ours the owner and group of state.db."""
        if self.owner is None:
            return
        found = path.stat()
        if (found.st_uid, found.st_gid) == (self.owner.uid, self.owner.gid):
            return
        try:
            os.chown(path, self.owner.uid, self.owner.gid)
        except OSError as error:
            raise self.denied(path, error) from error

    def denied(self, path: Path, error: OSError) -> Refused:
        """Return what is said where something of ours cannot be written."""
        who = self.owner.user if self.owner is not None else "its owner"
        mine = error.errno in (errno.EACCES, errno.EPERM)
        return Refused(
            f"hermes-repair cannot keep its records in {path}: {error.strerror}.",
            f"Run it as the owner of state.db: sudo -u {who} hermes-repair ..."
            if mine
            else "Check the disk that the Hermes folder is on.",
        )

    def receipt_paths(self) -> list[Path]:
        """Return the receipts, oldest first; empty where there is no folder yet."""
        if not self.receipts.is_dir():
            return []
        found = [path for path in self.receipts.iterdir() if _RECEIPT.fullmatch(path.name)]
        return sorted(found, key=number_of)

    def new_receipt(self, command: str, now: float) -> Path:
        """Return the path of the next receipt."""
        known = self.receipt_paths()
        number = number_of(known[-1]) + 1 if known else 1
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        return self.receipts / f"{number:04d}-{stamp}-{command}.db"

    def find_receipt(self, named: str) -> Path:
        """Return the receipt that a user means by its number or its whole name."""
        wanted = named.removesuffix(".db")
        for path in self.receipt_paths():
            number = path.name.partition("-")[0].lstrip("0")
            if path.stem == wanted or (wanted.isdecimal() and wanted.lstrip("0") == number):
                return path
        raise UsageError(
            f"There is no receipt {named!r} in {self.receipts}.",
            "`hermes-repair history` lists the receipts.",
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
        shutil.rmtree(backup)
