"""Handoffs of a chat to the gateway that are under way, by the rows of ``sessions``.

The terminal writes ``pending``, a gateway claims it (``running``) and ends it (``completed`` or
``failed``). Releases 0.13 to 0.19 take up what is pending when their gateway starts, and never what
is running: the chat cannot be handed over again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hermes_repair import host
from hermes_repair.evidence.lock_holds import Hold, may_be_later
from hermes_repair.host import Openers, OpenStatus
from hermes_repair.host.regular_files import real_path
from hermes_repair.host.synced_folders import synced_by
from hermes_repair.leases import handoff_verdict
from hermes_repair.leases.lock_verdicts import number
from hermes_repair.model.actions import HANDOFF_COLUMNS, RowUpdate
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value, readable
from hermes_repair.model.words import shown_id
from hermes_repair.store.look import Look

_NEEDED = {"id", "started_at", *HANDOFF_COLUMNS}
_WHY = "the gateway was gone before it finished"


def handoffs(look: Look, database: Path, openers: Openers, now: float) -> Iterator[Hold]:
    """Yield ``handoff`` for each session that is being handed over; ``now`` in epoch seconds.

    ``openers`` were asked for before the rows were read: who has ``database`` open is asked again
    before a gateway is called gone, for one that began in between claims what waited.
    """
    if not set(look.columns("sessions")) >= _NEEDED:
        return
    columns, where = "id, started_at, handoff_state", "handoff_state IN ('pending', 'running')"
    rows = list(look.scan(columns, "sessions", where))
    if not rows:
        return
    if openers.status is OpenStatus.NOBODY:
        openers = host.who_has_open(database)
    nobody = openers.status is OpenStatus.NOBODY and not _of_elsewhere(look, database)
    for session, started, state in rows:
        idle = _idle_since(look, session, started)
        judged = handoff_verdict(state, idle, _gateway_runs(openers), now, nobody=nobody)
        name = readable(session)
        yield Hold("handoff", name, judged, name)


def _of_elsewhere(look: Look, database: Path) -> bool:
    """Whether another gateway may be at it unseen: one of a later release, or of another machine
    to which a program copies the home."""
    return may_be_later(look) or synced_by(real_path(database).parent) is not None


def fail_handoff(look: Look, hold: Hold, finding_id: str, fingerprint: str = "") -> Iterator[Unit]:
    """Yield the unit that notes a handoff as failed, as Hermes does it, if it still runs by then.

    No release changes one that is running but the gateway that claimed it, so it may be done while
    another one starts.
    """
    key: Row = {"id": hold.session}
    for row in look.rows_of("sessions", "id = ?", [hold.session]):
        before = {column: row[column] for column in HANDOFF_COLUMNS}
        after: Row = {"handoff_state": "failed", "handoff_error": _WHY}
        yield Unit(
            kind="lock",
            subject=hold.subject,
            summary=f"end the handoff of {shown_id(hold.subject)}, which nobody finishes",
            actions=(RowUpdate("sessions", key, before, after),),
            safety=hold.verdict.safety or Safety.UNSAFE,
            live=True,
            findings=(fingerprint,) if fingerprint else (),
            finding_ids=(finding_id,),
        )


def _idle_since(look: Look, session: Value, started: Value) -> float:
    row = look.one("SELECT MAX(timestamp) FROM messages WHERE session_id IS ?", [session])
    last = number(row[0]) if row is not None else None
    return last if last is not None else number(started) or 0.0


def _gateway_runs(openers: Openers) -> bool:
    """Whether a gateway may have the database open; 0.19 may hide that it is one."""
    known = openers.status is not OpenStatus.UNKNOWN and openers.complete
    return not known or any(process.is_hermes for process in openers.processes)
