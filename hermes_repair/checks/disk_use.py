"""What takes room or piles up in a home (HK002 to HK006). Notes only: nothing here is damage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.evidence.cron_executions import abandoned_executions
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, size
from hermes_repair.store.vacuumed import room_in

LARGE_WAL = 32 << 20
"""Bytes of a -wal that is too large: Hermes takes one in at 4 MB, and from 0.16 on empties it."""
WORTH_RECLAIMING = 16 << 20
_QUARTER = 4
MANY_FILES = 1000
MANY_BYTES = 1 << 30
MANY_CRON_SESSIONS = 500


@check("HK002", "wal-oversized", Severity.INFO, Remedy.NONE, file_level=True)
def wal_oversized(scene: Scene) -> Iterator[Finding]:
    """The -wal beside state.db has grown far beyond what Hermes lets it.

    What it means: every start and every search reads through it, and the disk fills up. Nothing is
    lost.

    How it happens: somebody reads all the time, so that nobody can take it in; Hermes up to 0.15
    never emptied it (Hermes #24034, #35201).

    What repair does: nothing of its own. Whoever is the last to close the database takes the -wal
    in, a repair too.

    How safe it is: nothing is changed.
    """
    try:
        found = Path(f"{scene.home.database}-wal").stat().st_size
    except OSError:
        return
    if found >= LARGE_WAL:
        yield wal_oversized.finding(
            {"kind": "file", "path": "state.db-wal"},
            f"the -wal beside state.db has {size(found)}.",
            "Stop Hermes and start it again: the last to close the database takes the -wal in.",
            data={"bytes": found},
        )


@check("HK003", "space-reclaimable", Severity.INFO, Remedy.MANUAL, tables=())
def space_reclaimable(scene: Scene) -> Iterator[Finding]:
    """A large part of state.db is free.

    What it means: the file is larger than what is in it. New messages use the room first.

    How it happens: sessions were deleted or pruned, or a search index was made anew
    (Hermes #54189, #91120).

    What repair does: nothing. `hermes-repair vacuum` writes the file anew (VACUUM) and puts that in
    its place; the free pages come back at least. Hermes' own pruning at start does it as well.

    How safe it is: Hermes has to be stopped. Every row, with its number, every index and the search
    index of the new file are compared with the old one before that is replaced. The old file is
    kept, `undo` gives it back to the byte until something is written, and the room is won when it
    is removed (the first `backup prune` after seven days).
    """
    room = room_in(scene.look)
    if room.free >= WORTH_RECLAIMING and _QUARTER * room.free >= room.file:
        yield space_reclaimable.finding(
            dict(DATABASE),
            f"{size(room.free)} of the {size(room.file)} of state.db are free for new messages;"
            f" giving them back to the disk takes {size(room.needed)} of it for a while.",
            advice(
                "Nothing needs to be done. To see what comes back: `{}`",
                command("vacuum", "--dry-run"),
            ),
            data={"reclaimable": room.free, "file": room.file, "needed": room.needed},
        )


_PILES = {
    "request dumps": ("sessions", "request_dump_*.json"),
    "session logs": ("sessions", "session_*.json"),
    "temporary files": ("sessions", ".sessions_*.tmp", "*.tmp"),
}
"""Folder and names of what Hermes leaves behind (0.13.0 to 0.19.0); copies are CP004's."""


@check("HK004", "files-pile-up", Severity.INFO, Remedy.NONE, file_level=True)
def files_pile_up(scene: Scene) -> Iterator[Finding]:
    """Files that Hermes leaves behind have piled up.

    What it means: they take room, and backups of the home grow with them. A session log may be the
    only place that still has a message.

    How it happens: every failed request left a dump (Hermes #8685, #78395), and releases up to 0.14
    a log of each session.

    What repair does: nothing, and it deletes none. `backfill --report` says what is only there.

    How safe it is: nothing is changed.
    """
    for name, (folder, *patterns) in _PILES.items():
        number, bytes_ = _pile(scene, scene.home.root / folder, patterns)
        if number >= MANY_FILES or bytes_ >= MANY_BYTES:
            yield files_pile_up.finding(
                {"kind": "file", "path": str(Path(folder, patterns[0]))},
                f"{number:,} {name} take {size(bytes_)} of the home.",
                "Before you delete any of them, see what only they have.",
                data={"what": name, "files": number, "bytes": bytes_},
                identity=(name,),
            )


def _pile(scene: Scene, folder: Path, patterns: list[str]) -> tuple[int, int]:
    found: Counter[str] = Counter()
    try:
        for entry in folder.iterdir():
            if any(fnmatchcase(entry.name, pattern) for pattern in patterns):
                status = entry.lstat()
                found.update(files=1, bytes=status.st_size)
    except FileNotFoundError:
        return 0, 0  # no such folder, or Hermes has just taken a file away: the next look sees
    except OSError as error:
        scene.notes.append(f"{folder} could not be counted: {error.strerror}.")
    return found["files"], found["bytes"]


@check("HK005", "cron-sessions-pile-up", Severity.INFO, Remedy.NONE)
def cron_sessions_pile_up(scene: Scene) -> Iterator[Finding]:
    """Runs of cron make up a large number of the sessions.

    What it means: the database grows with them, and lists that do not leave cron out are full of
    them. Nothing is lost.

    How it happens: every run of a job is a session of its own (Hermes #38378: 1,717 in six weeks),
    and one that was not ended is never pruned.

    What repair does: nothing. Hermes' own prune takes those that ended and are older than 90 days;
    with `--source cron` it takes all that ended, however young.

    How safe it is: nothing is changed.
    """
    runs = [node for node in scene.nodes if node.id.startswith("cron_")]
    if len(runs) >= MANY_CRON_SESSIONS:
        still = sum(node.is_open for node in runs)
        untagged = sum(node.source != "cron" for node in runs)
        yield cron_sessions_pile_up.finding(
            dict(DATABASE),
            f"{count(len(runs), 'session')} of {len(scene.nodes):,} are runs of cron, {still:,} of"
            f" them never ended, {untagged:,} not marked as cron's.",
            "Nothing needs to be done. Hermes deletes those that ended: hermes sessions prune.",
            data={"runs": len(runs), "open": still, "untagged": untagged},
            sessions=len(runs),
        )


@check("HK006", "cron-run-abandoned", Severity.INFO, Remedy.NONE, file_level=True)
def cron_run_abandoned(scene: Scene) -> Iterator[Finding]:
    """Cron has runs noted as claimed or running whose program is gone.

    What it means: a job may be passed over as "already being fired" until Hermes clears them, which
    it does when its scheduler starts (0.19.0).

    How it happens: the gateway was killed while a job ran (Hermes #86721, #115692).

    What repair does: nothing. Hermes marks them as unknown, because what the run did is not known.

    How safe it is: nothing is changed.
    """
    found = abandoned_executions(scene.home, scene.notes)
    if found:
        yield cron_run_abandoned.finding(
            {"kind": "file", "path": "executions.db"},
            f"{count(found, 'run')} of cron did not end, and the program is gone.",
            "Start the gateway: its scheduler marks them as unknown.",
            data={"runs": found},
        )
