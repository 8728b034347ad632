"""Homes and profiles of Hermes Agent, where each keeps what, and which files Hermes locks there.

Resolution follows Hermes' own command line (0.13.0 to 0.19.0): HERMES_HOME, else the platform's
default; a root (not a profile folder) follows its ``active_profile`` file (Hermes #22502).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.home.hermes_config import sessions_dir
from hermes_repair.host import regular_files
from hermes_repair.host.regular_files import parse_json, read_if_there, read_small, real_path
from hermes_repair.model.commands_to_type import quoted
from hermes_repair.model.errors import NoDatabase, NoInstall, UsageError

RECORDS_DIR = "hermes-repair"
DATABASE = "state.db"
NAME_LIMIT = 4096  # bytes of a file that holds the name of a profile
ROUTING_LIMIT = 64 << 20  # bytes; a real sessions.json has some kilobytes
PID_FILE_LIMIT = 1 << 16  # bytes; a record has some hundred

GIVE_FOLDER = "Give the Hermes folder: hermes-repair doctor --home PATH"
GIVE_DATABASE = "Give the folder with state.db: hermes-repair doctor --home PATH"
"""They name the home themselves, so they are no commands that take the reader's."""


@dataclass(frozen=True, slots=True)
class Home:
    """One profile's home: ``root`` as named, and the files that hold its conversations.

    ``database`` is the real file behind ``root/state.db`` (SQLite keeps ``-wal`` beside the real
    file, not beside a symlink to it). ``logs_dir`` holds ``session_<id>.json`` and cannot be moved.
    ``store``: ``database`` is not state.db but another database of the home, which is called that
    (:func:`hermes_repair.home.side_stores.at_store`). ``records_at``: our records lie there,
    because ``database`` is a new one that is made elsewhere, of which the home knows nothing.
    """

    root: Path
    profile: str
    database: Path
    logs_dir: Path
    base: Path
    store: str | None = None
    records_at: Path | None = None

    @property
    def database_name(self) -> str:
        """What a reader calls the database."""
        return self.store or DATABASE

    @property
    def records(self) -> Path:
        """Where our own records about this home lie (R8)."""
        return self.records_at or self.root / RECORDS_DIR

    @property
    def sessions_dir(self) -> Path:
        """Where JSONL and ``sessions.json`` lie, as the gateway's config says (read when asked)."""
        return sessions_dir(self.root)


def default_root(environ: Mapping[str, str], user_home: Path, platform: str) -> Path:
    """Return the root that Hermes' command line would take, without looking at profiles."""
    named = environ.get("HERMES_HOME", "").strip()
    if named:
        try:
            return Path(named).expanduser()
        except RuntimeError as error:
            raise UsageError(f"HERMES_HOME is {named!r}, but there is no such user.") from error
    if platform == "win32":
        local = environ.get("LOCALAPPDATA", "").strip()
        windows = (Path(local) if local else user_home / "AppData" / "Local") / "hermes"
        # 0.13 to 0.15 fell back to ~/.hermes on every system; an old Windows home may be there.
        return windows if windows.exists() else user_home / ".hermes"
    return user_home / ".hermes"


def base_of(root: Path) -> Path:
    """Return the folder that owns ``profiles/``: the root itself, or a profile's grandparent."""
    return root.parent.parent if root.parent.name == "profiles" else root


def profile_names(base: Path) -> tuple[str, ...]:
    """Return the named profiles below ``base`` in order; ``default`` is not among them."""
    try:
        return tuple(
            sorted(
                entry.name
                for entry in (base / "profiles").iterdir()
                if entry.is_dir() and not entry.name.startswith(".")
            )
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ()


def active_profile(base: Path) -> str:
    """Return the sticky profile of ``base``; ``default`` where none can be read."""
    data = read_if_there(base / "active_profile", NAME_LIMIT)
    try:
        name = (data or b"").decode("utf-8").strip()
    except UnicodeDecodeError:
        return "default"
    return name or "default"


def locate(
    named: Path | None,
    profile: str | None,
    environ: Mapping[str, str],
    user_home: Path,
    platform: str,
) -> Path:
    """Return the folder of the home that is meant.

    A folder named on our command line is taken as it is; a profile is looked up below it. Raises
    :class:`UsageError` for a profile that does not exist.
    """
    root = (named if named is not None else default_root(environ, user_home, platform)).absolute()
    base = base_of(root)
    if profile is None:
        if named is not None or root != base:
            return root
        profile = active_profile(base)
    if profile == "default":
        return base
    if profile not in profile_names(base):
        known = ", ".join(("default", *profile_names(base)))
        raise UsageError(
            f"There is no profile {profile!r} in {base}.", f"The profiles here are: {known}."
        )
    return base / "profiles" / profile


def open_home(root: Path) -> Home:
    """Return the home at ``root``; raises :class:`NoInstall`, with the reason, for none."""
    if not root.exists():
        raise NoInstall(f"{root} does not exist.", GIVE_FOLDER)
    if not root.is_dir():
        raise NoInstall(f"{root} is a file, not a Hermes folder.", GIVE_DATABASE)
    named = root / DATABASE
    if named.is_symlink() and not named.exists():
        raise NoInstall(
            f"{named} is a link to {named.readlink()}, which does not exist.",
            "Mount or restore the place that it points to, then run this again.",
        )
    remaining_files = sessions_dir(root).is_dir() or (root / RECORDS_DIR).is_dir()
    wal = root / f"{DATABASE}-wal"
    if not (named.exists() or remaining_files or wal.is_file()):
        raise NoDatabase(
            f"{root} has no state.db and no sessions folder, so Hermes never ran there.",
            f"Its profiles may: hermes-repair doctor --home {quoted(str(root))} --all-profiles"
            if profile_names(root)
            else GIVE_FOLDER,
        )
    if named.exists() and not named.is_file():
        raise NoInstall(f"{named} is not a regular file.", GIVE_DATABASE)
    base = base_of(root)
    return Home(
        root=root,
        profile=root.name if base != root else "default",
        database=real_path(named) if named.exists() else named,
        logs_dir=root / "sessions",
        base=base,
    )


@contextmanager
def on_behalf_of_owners(root: Path) -> Iterator[Home]:
    """Open a home; what is read inside, root too reads only as far as the home's owners may."""
    with regular_files.on_behalf_of_owners(root):
        yield open_home(root)


def routing_file(home: Home) -> bytes | None:
    """Return the bytes of ``sessions.json``, None where there is none that could be one."""
    return read_if_there(routing_place(home), ROUTING_LIMIT)


def routing_place(home: Home) -> Path:
    """Return where the gateway keeps which chat leads to which session, as a file."""
    return home.sessions_dir / "sessions.json"


# Relative to the profile's home. Names and places are those of the releases from 0.13.0 on that
# have them; the last four are of releases after 0.19.0 (Hermes #93200, #100525).
_IN_HOME = (
    ("gateway.lock", "the gateway of this home"),
    ("cron/.tick.lock", "one tick of the cron scheduler"),
    ("cron/.jobs.lock", "changing the list of cron jobs"),  # 0.17.0
    ("runtime/active_sessions.lock", "counting the active sessions"),  # 0.17.0
    ("auth.lock", "changing the credentials"),
    ("state.db.repair.lock", "Hermes' own repair of state.db"),
    ("state.db.fts_rebuild.lock", "rebuilding the search index"),
    ("state.db.auto-maintenance.lock", "Hermes' own maintenance of state.db"),
    ("state.db.quarantine.lock", "setting an emptied state.db aside"),
)
# The board is shared by all profiles and lies at their base.
_IN_BASE = (
    ("kanban.db.init.lock", "opening the kanban board"),  # 0.15.0
    ("kanban.db.dispatch.lock", "one tick of the kanban dispatcher"),  # 0.18.0
    ("kanban/.dispatcher.lock", "the gateway that runs the kanban dispatcher"),  # 0.17.0
)


@dataclass(frozen=True, slots=True)
class LockFile:
    """One file of a home that Hermes locks with ``flock``, and for what.

    That such a file is there means nothing: the lock is the kernel's and goes when its holder ends.
    Deleting one splits the lock in two, so that two programs each believe they have it (Hermes
    #100130, #60703): nothing of ours ever removes or opens one.
    """

    path: Path
    guards: str


@dataclass(frozen=True, slots=True)
class PidRecord:
    """What ``gateway.pid`` says; ``start_ticks`` as ``ProcessInfo.start_ticks`` counts them."""

    pid: int | None
    start_ticks: int | None


def lock_files(home: Home) -> tuple[LockFile, ...]:
    """Return every lock file that a known release would use in this home, there or not."""
    places = [(home.root / name, guards) for name, guards in _IN_HOME]
    places += [(home.base / name, guards) for name, guards in _IN_BASE]
    places.append((home.records / "run.lock", "a run of hermes-repair that writes"))
    return tuple(LockFile(path, guards) for path, guards in places)


def pid_file(home: Home) -> Path:
    """Return where the gateway writes its number (0.13.0 on)."""
    return home.root / "gateway.pid"


def read_pid_file(path: Path) -> PidRecord | None:
    """Return what a pid file says: a JSON record, or a bare number; None where there is none.

    A file that holds neither gives a record without a number. Raises OSError where it may not be
    read.
    """
    try:
        data = read_small(path, PID_FILE_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        record = parse_json(data)
    except ValueError:
        return PidRecord(None, None)
    if not isinstance(record, dict):
        record = {"pid": record}
    return PidRecord(_number(record.get("pid")), _number(record.get("start_time")))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
