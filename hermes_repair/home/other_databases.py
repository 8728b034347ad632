"""Other databases of the same user: profiles, backups, snapshots, captures. Directory entries only.

The names are Hermes' own: those of 0.13.0 to 0.19.0, and those that releases after 0.19.0 give to
what they set aside (retired -wal files, zeroed and foreign ones, the Desktop's emergency copies).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hermes_repair.home.layout import DATABASE, RECORDS_DIR, Home, base_of, profile_names
from hermes_repair.host.regular_files import parse_json, read_if_there, real_path

MOST_COPIES = 40
"""Of each kind the newest so many: one install had 505 copies of two states (Hermes #86747)."""
SNAPSHOTS = "state-snapshots"
_BESIDE = re.compile(r"state\.db\..+|state.*\.(bak|backup|old)")
_NO_DATABASE = re.compile(
    r".*\.(lock|json|txt|log|md|tmp|part|header|sql|gz|bz2|xz|zst|zip|7z|tar)"
)
"""Hermes' locks and notes beside state.db, and what has to be unpacked first."""
_OF_DAMAGED = re.compile(r"state\.db\.(malformed-backup|corrupt|zeroed|notadb|quarantine).*")
"""What Hermes copies (0.17.0) or moves aside (after 0.19.0) of a state.db that it cannot use."""
_CAPTURE = re.compile(r"state\.db\.retired-wal-.+")
"""Folders with a -wal that was deleted under its writer, as releases after 0.19.0 keep it: with the
main file of that moment, or with its first 100 bytes alone where that is above 512 MiB."""
_NO_COPY = re.compile(r"damaged-\d+-\w+-salvage|salvaged-.*")
"""Where our records keep the damaged files that a salvage replaced (all that can be read of them is
in the database), and where a new database is being made of what is there."""
_SET_ASIDE = r"[._ -]?(bak|backup|old|copy|orig|save|before|prev|broken|corrupt|damaged).*"
"""How people name a whole folder that they moved away."""
_SIDES = ("-wal", "-shm", "-journal")
_KEPT_IN = (RECORDS_DIR, SNAPSHOTS)


class CopyKind(Enum):
    """Whose database it is."""

    PROFILE = "another profile"
    BACKUP = "a backup of hermes-repair"
    SNAPSHOT = "a snapshot of Hermes"
    COPY = "a copy beside the database"
    OF_DAMAGED = "what Hermes kept of a damaged database"
    CAPTURE = "a -wal that Hermes captured"
    HOME = "another Hermes folder"
    ARCHIVE = "a zip that Hermes made of its folder"
    NAMED = "the file that you named"

    @property
    def in_use(self) -> bool:
        """Whether Hermes may write to such a database: it is no copy but somebody's own."""
        return self in (CopyKind.PROFILE, CopyKind.HOME)


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """One file that may be a database of Hermes.

    ``path`` of a capture is its main file, or its ``-wal`` where that alone was captured.
    """

    kind: CopyKind
    path: Path

    @property
    def named(self) -> Path:
        """What a person names it by: of a capture and of another home that is the folder."""
        folders = (CopyKind.CAPTURE, CopyKind.HOME)
        return self.path.parent if self.kind in folders else self.path

    def below(self, root: Path) -> str:
        """Return it for a reader: below a home where it lies there."""
        inside = self.named.is_relative_to(root)
        return str(self.named.relative_to(root) if inside else self.named)

    @property
    def wal_alone(self) -> bool:
        """Whether only the -wal is there."""
        return self.kind is CopyKind.CAPTURE and self.path.name.endswith("-wal")


def is_capture(folder: Path) -> bool:
    """Whether a folder is, by its name, one in which Hermes keeps a -wal that it captured."""
    return _CAPTURE.fullmatch(folder.name) is not None


def profile_of(path: Path) -> str | None:
    """Return the profile whose copy a file is by the place where it lies, None where that is none.

    Copies are kept in a home: in our folder, among the snapshots of Hermes, beside state.db.
    """
    path = path.absolute()
    root = next((folder.parent for folder in path.parents if folder.name in _KEPT_IN), None)
    if root is None and is_capture(path.parent):
        root = path.parent.parent
    if root is None and (path.name == DATABASE or _BESIDE.fullmatch(path.name)):
        root = path.parent
    if root is None:
        return None
    if base_of(root) != root:
        return root.name
    return "default" if (root / DATABASE).exists() or (root / "profiles").is_dir() else None


def other_databases(home: Home) -> Iterator[DatabaseCopy]:
    """Yield the databases beside this home's own: profiles first, then copies, newest first.

    Folders that cannot be listed are as good as empty: nothing can be found there.
    """
    return searched(every_copy(home))


def searched(copies: Iterable[DatabaseCopy]) -> Iterator[DatabaseCopy]:
    """Yield those of :func:`every_copy` that a look for chats goes into.

    Of each kind the newest :data:`MOST_COPIES`; only such as SQLite could open by themselves.
    """
    seen: dict[CopyKind, int] = {}
    for copy in copies:
        seen[copy.kind] = seen.get(copy.kind, 0) + 1
        own = copy.kind is not CopyKind.ARCHIVE and not copy.wal_alone
        if own and (copy.kind is CopyKind.PROFILE or seen[copy.kind] <= MOST_COPIES):
            yield copy


def every_copy(home: Home, homes: Iterable[Path] = ()) -> Iterator[DatabaseCopy]:
    """Yield every database, capture and archive around this home: profiles, then newest first.

    ``homes`` are folders that may be other homes of the same user. A second name of state.db itself
    (a link) is none.
    """
    roots = [home.base, *(home.base / "profiles" / name for name in profile_names(home.base))]
    for root in roots:
        path = root / DATABASE
        if path.is_file() and real_path(path) != home.database:
            yield DatabaseCopy(CopyKind.PROFILE, path)
    places = tuple(dict.fromkeys((home.root, home.base)))
    found: dict[CopyKind, list[Path]] = {kind: [] for kind in CopyKind}
    for root in places:
        found[CopyKind.SNAPSHOT] += root.glob(f"{SNAPSHOTS}/*/{DATABASE}")
        for pattern in (f"backups/*/{DATABASE}", f"backups/*/*/{DATABASE}"):
            found[CopyKind.BACKUP] += (
                path
                for path in root.glob(f"{RECORDS_DIR}/{pattern}")
                if not _NO_COPY.fullmatch(path.parent.name)
            )
        found[CopyKind.COPY] += root.glob(f"backups/*/{DATABASE}")
        found[CopyKind.ARCHIVE] += root.glob("backups/pre-*.zip")
    for path in _beside(home.root):
        of_damaged = _OF_DAMAGED.fullmatch(path.name)
        found[CopyKind.OF_DAMAGED if of_damaged else CopyKind.COPY].append(path)
    found[CopyKind.CAPTURE] = list(_captured(home.root))
    aside = (folder / DATABASE for folder in _set_aside(home.base))
    others = (root / DATABASE for root in homes if root.absolute() not in (home.root, home.base))
    found[CopyKind.HOME] = list(dict.fromkeys((*aside, *others)))
    for kind, paths in found.items():
        yield from (DatabaseCopy(kind, path) for path in _newest(paths, home.database))


def incomplete_snapshots(home: Home) -> Iterator[Path]:
    """Yield the snapshots of Hermes that hold other files of the home but no state.db.

    ``hermes update`` leaves a file above 1 GiB out of its snapshot and goes on (from 0.19.0,
    Hermes #66726).
    """
    for manifest in sorted((home.root / SNAPSHOTS).glob("*/manifest.json"), reverse=True):
        if (manifest.parent / DATABASE).exists():
            continue
        try:
            listed = parse_json(read_if_there(manifest) or b"")
        except ValueError:
            continue
        files = listed.get("files") if isinstance(listed, dict) else None
        if isinstance(files, dict) and DATABASE not in files:
            yield manifest.parent


def _beside(root: Path) -> Iterator[Path]:
    for entry in _entries(root):
        name = entry.name
        if not _BESIDE.fullmatch(name) or name.endswith(_SIDES) or _NO_DATABASE.fullmatch(name):
            continue
        yield Path(entry.path)


def _captured(root: Path) -> Iterator[Path]:
    for entry in _entries(root):
        if _CAPTURE.fullmatch(entry.name):
            main = Path(entry.path) / DATABASE
            yield main if main.exists() else main.with_name(f"{DATABASE}-wal")


def _set_aside(base: Path) -> Iterator[Path]:
    named = re.compile(re.escape(base.name) + _SET_ASIDE, re.IGNORECASE)
    for entry in _entries(base.parent):
        if base.name and named.fullmatch(entry.name):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _newest(paths: Iterable[Path], database: Path) -> list[Path]:
    """Return the regular files among ``paths``, newest first; none of them is ``database``."""
    try:
        own = database.stat()
    except OSError:
        own = None
    dated = []
    for path in paths:
        try:
            status = path.stat()
            if path.is_file() and not (own is not None and os.path.samestat(status, own)):
                dated.append((status.st_mtime, path))
        except OSError:
            continue
    return [path for _, path in sorted(dated, reverse=True)]
