"""TR009: messages that wait in the spool and that no row has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hermes_repair.checks.fill_units import fill, new_session
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import repair_of, session_unit
from hermes_repair.evidence.auxiliary_files import SPOOL
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.spooled_chats import SpooledChat, spooled_chats
from hermes_repair.model.actions import RowInsert
from hermes_repair.model.commands_to_type import Hint, advice
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count


@check(
    "TR009",
    "spool-not-replayed",
    Severity.WARNING,
    Remedy.UNSAFE,
    stage=Stage.TRANSCRIPTS,
    concerns=Concerns.ELSEWHERE,
)
def spool_not_replayed(scene: Scene) -> Iterator[Finding]:
    """Messages that Hermes could not store wait in `pending_messages/`, and no row has them.

    What it means: the chat goes on without them: neither a list, nor a search, nor the model sees
    what was said meanwhile.

    How it happens: Hermes 0.20 and later put there what they cannot write, because the database is
    damaged, locked or was replaced. Single messages they take in at a later start, unless their
    session has no row: then every start fails on them, and in some builds on all others too (Hermes
    #87661). An agent's whole list, written at a shutdown, they never take in (Hermes #72680).

    What repair does: when you name the session, it brings back what a list has and the rows lack,
    in the order of the list. Where single messages wait for a session that has no row, it makes
    that row, and Hermes takes them in at its next start. Single messages of a session that is there
    are left to Hermes, which would store them a second time. No file of the spool is changed.

    How safe it is: your decision, because the session may have been deleted on purpose, or its last
    turn undone. No release with a spool is on the package index; how it reads its files was read in
    its source. What was brought back is not brought back again.
    """
    for chat in spooled_chats(scene):
        yield _finding(scene, chat)


def _finding(scene: Scene, chat: SpooledChat) -> Finding:
    session = chat.session_id
    gone = bool(session) and session not in scene.node
    fix = None
    where = f"{count(chat.messages, 'message')} in {count(chat.files, 'file')} of {SPOOL}/"
    hint: Hint = "Keep those files. Mend the database, then start Hermes: it takes them in."
    if chat.lists:
        answer = chat.lists[0]
        if answer.comparison is not None:
            fix = each(partial(fill, scene, answer, answer.comparison))
        hint = advice("To bring them back: `{}`", repair_of(session))
    elif gone:
        fix = each(partial(_make_row, scene, chat))
        hint = advice(
            "Hermes cannot take them in. To make the row of that session, so that its next start"
            " does: `{}`",
            repair_of(session),
        )
    return spool_not_replayed.finding(
        {"kind": "session", "session_id": session} if session else {"kind": "file", "path": SPOOL},
        f"{where} could not be stored{', and the session does not exist' if gone else ''}.",
        hint,
        remedy=Remedy.MANUAL if fix is None else Remedy.UNSAFE,
        data={
            "messages": chat.messages,
            "files": chat.files,
            "session_there": not gone,
            "lists": len(chat.lists),
        },
        identity=(session,),
        sessions=1,
        messages=chat.messages,
        fix=fix,
    )


def _make_row(scene: Scene, chat: SpooledChat, finding: Finding) -> Iterator[Unit]:
    session = chat.session_id
    row = new_session(scene, session, min(chat.times, default=scene.now))
    summary = f"make the row of {session}, for which {count(chat.messages, 'message')} wait"
    insert = RowInsert("sessions", {"id": session}, row)
    yield session_unit(finding, summary, [insert], Safety.UNSAFE)
