"""Is the database younger than what lies around it (DB008)?

Each chat that only a file or a copy has may have been deleted on purpose. Whether most of them ever
were in this database can be told all the same, by two facts about every release:

* Nothing in a database is older than the earliest thing that it ever held, while message id 1 is
  there to show it (:func:`hermes_repair.evidence.database_history.database_birth`).
* A message id is given out once. So a database that gave out few ids held few messages, whatever
  was deleted from it since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from hermes_repair.checks.registry import check
from hermes_repair.evidence.database_history import ids_without_row
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import OlderCopy, find_older_copies
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, day
from hermes_repair.transcripts.verdicts import Comparison, Verdict

DATABASE = {"kind": "database"}
NAMED = 2
"""Copies that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around a database and never was in it: chats and messages of files, and copies."""

    chats: int
    messages: int
    copies: tuple[OlderCopy, ...]


@check("DB008", "database-replaced", Severity.ERROR, Remedy.UNSAFE)
def database_replaced(scene: Scene) -> Iterator[Finding]:
    """The database is newer than most chats in the files or copies around it.

    What it means: state.db was started from scratch, or replaced by another one. Hermes shows only
    what was said since; older chats are in transcript files, or in copies of the database.

    How it happens: a damaged database was moved away and Hermes created an empty one (#97568), a
    folder was restored without state.db, writes to it failed (#2914), or somebody wanted a fresh
    start.

    What repair does: nothing by itself. `hermes-repair backfill --all` shows every chat that a
    transcript file still has, and brings it back; `--before DATE` or session ids narrow it, and
    `undo` reverts it. `hermes-repair restore` replaces state.db by a whole copy of a database, and
    keeps the present one.

    How safe it is: it is proven that this database never held most of them: they ended before
    anything in it began, or it never gave out that many message ids. Whether you wanted them gone
    is not: any of them may have been deleted from the database before this one. If you did want a
    fresh start, accept the finding (`hermes-repair ack`).
    """
    around = _around(scene)
    if around is None:
        return
    began = _began(scene)
    since = f" (started on {day(began)})" if began is not None else ""
    told = [f"{_chats(around.chats, around.messages)} only in files"] if around.chats else []
    told += [
        f"{_chats(copy.sessions, copy.messages)} only in {copy.path}"
        for copy in around.copies[:NAMED]
    ]
    more = len(around.copies) - NAMED
    told += [f"more in {count(more, 'other database')}"] if more > 0 else []
    what, what_not = ("most of what", "most of it not") if around.chats else ("what", "not")
    yield database_replaced.finding(
        DATABASE,
        f"state.db{since} never held {what} is around it: {'; '.join(told)}. Any of it may have"
        f" been deleted on purpose, but {what_not} from this database.",
        _hint(around),
        remedy=Remedy.UNSAFE if around.chats else Remedy.MANUAL,
        data={
            "began": began,
            "chats": around.chats,
            "messages": around.messages,
            "copies": [{**asdict(copy), "path": str(copy.path)} for copy in around.copies],
        },
        identity=(around.chats, len(around.copies)),
        sessions=around.chats,
        messages=around.messages,
    )


def _around(scene: Scene) -> Around | None:
    """Return what lies around the database, None where it is not younger than most of that."""
    alone = list(_not_here(scene))
    missing = sum(found.counts.missing for found in alone)
    older = sum(found.counts.missing for found in alone if found.before_database)
    freed = ids_without_row(scene) if missing > 2 * older else None
    never = max(older, 0 if freed is None else missing - freed)
    replaced = 2 * never > missing
    copies = find_older_copies(scene)
    if not replaced and not copies:
        return None
    return Around(len(alone) if replaced else 0, missing if replaced else 0, copies)


def _not_here(scene: Scene) -> Iterator[Comparison]:
    """Yield the chats of which a transcript file has all, or a part from before this database.

    Session logs say nothing: every delete leaves them.
    """
    for answer in scene.comparisons.answers.values():
        found = answer.comparison
        if found is None or found.safe or not found.counts.missing:
            continue
        if found.verdict is Verdict.ONLY_IN_FILE or found.before_database:
            yield found


def _began(scene: Scene) -> float | None:
    if scene.birth is not None:
        return scene.birth
    return min((node.started_at for node in scene.nodes if node.started_at), default=None)


def _chats(chats: int, messages: int) -> str:
    return f"{count(chats, 'chat')} with {count(messages, 'message')}"


def _hint(around: Around) -> Hint:
    if around.chats:
        return advice("To see what comes back: {}", command("backfill", "--all", "--dry-run"))
    restore = command("restore", str(around.copies[0].path))
    return advice("To replace state.db by the copy and keep state.db: {}", restore)
