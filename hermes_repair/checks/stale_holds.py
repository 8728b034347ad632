"""What blocks a session beside its locks: pauses, the breaker, handoffs, delegations (LK006-9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from hermes_repair.checks.registry import Check, check, each
from hermes_repair.checks.resolution_units import REPAIR, repair_of, session_unit
from hermes_repair.evidence.handoffs import fail_handoff
from hermes_repair.evidence.lock_holds import Hold
from hermes_repair.evidence.scene import Scene
from hermes_repair.leases import Kind
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import Hint, advice
from hermes_repair.model.findings import Finding, Fix, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit

_SESSIONS = ("sessions", "messages")
_PAUSE = ("compression_failure_cooldown_until", "compression_failure_error")


def _found(scene: Scene, what: str, *kinds: Kind) -> Iterator[Hold]:
    return (hold for hold in scene.holds if hold.what == what and hold.verdict.kind in kinds)


def _told(found_by: Check, hold: Hold, hint: Hint, fix: Fix | None = None) -> Finding:
    reason = str(hold.verdict.reason)
    begins = "" if reason.startswith("Hermes") else reason[0].lower()
    return found_by.finding(
        {"kind": "session", "session_id": hold.session or hold.subject},
        begins + reason[len(begins) :],
        hint,
        data={"kind": hold.verdict.kind.value},
        identity=(hold.subject, hold.expires),
        sessions=1,
        fix=fix,
    )


@check(
    "LK006",
    "compression-pause-absurd",
    Severity.WARNING,
    Remedy.UNSAFE,
    tables=_SESSIONS,
    stage=Stage.LOCKS,
)
def pause_absurd(scene: Scene) -> Iterator[Finding]:
    """A session may not be compressed for far longer than any release asks for.

    What it means: until then every compression is put off, and the chat grows until the model
    refuses it.

    How it happens: the clock was ahead when a compression failed, or another program wrote the
    time. Hermes 0.18 to 0.19 set at most 15 minutes.

    What repair does: when you name the session, it clears the pause and its error.

    How safe it is: nothing proves that nobody relies on it, so it is only done when you ask for it.
    The receipt keeps both values.
    """
    for hold in _found(scene, "cooldown", Kind.ABSURD):
        session = hold.session or hold.subject
        hint = advice("To end the pause: `{}`", repair_of(session))
        yield _told(pause_absurd, hold, hint, each(partial(_clear, scene, session)))


def _clear(scene: Scene, session: str, finding: Finding) -> Iterator[Unit]:
    columns = [name for name in _PAUSE if name in scene.look.columns("sessions")]
    for row in scene.look.rows_of("sessions", "id = ?", [session]):
        before = {name: row[name] for name in columns}
        update = RowUpdate("sessions", {"id": session}, before, dict.fromkeys(before))
        summary = f"clear the compression pause of {session}"
        yield session_unit(finding, summary, [update], Safety.UNSAFE)


@check("LK007", "compression-given-up", Severity.INFO, Remedy.NONE, tables=_SESSIONS)
def compression_given_up(scene: Scene) -> Iterator[Finding]:
    """Hermes stopped compressing a session, because its summaries failed one after the other.

    What it means: the session grows until the model refuses it. Hermes 0.19 stops by itself from
    two failures in a row on.

    How it happens: the model that makes summaries was not there, or too small.

    What repair does: nothing. `/compress` in the chat tries again, and a success starts the count
    anew.

    How safe it is: nothing is changed.
    """
    for hold in _found(scene, "breaker", Kind.LIVE):
        yield _told(compression_given_up, hold, "In that chat, send: /compress")


@check(
    "LK008",
    "handoff-abandoned",
    Severity.WARNING,
    Remedy.SAFE,
    live=True,
    tables=_SESSIONS,
    stage=Stage.LOCKS,
)
def handoff_abandoned(scene: Scene) -> Iterator[Finding]:
    """A chat was to be handed over to the gateway, and no gateway is running to finish that.

    What it means: the chat stays where it was. A later try is refused as already under way, for
    good where a gateway had begun: no release goes on with what another process began.

    How it happens: the gateway was killed in between (Hermes #23395, #98225).

    What repair does: it notes a handoff that a gateway had begun as failed, as Hermes does with
    one that fails, so that it can be asked for again. One that waits is left alone: a gateway takes
    it up when it starts (0.14 on), and the finding is a note.

    How safe it is: safe where nobody has the database open and the session was idle for half an
    hour: who is at it has the database open all the time, however long it takes. Where another
    program has it open, or one copies the home to another machine, whose gateway may be at it
    (DB011), and with releases after 0.19, which could not be tried, it is a note, done when you
    name the session.
    """
    for kind in (Kind.HOLDER_DEAD, Kind.STUCK):
        for hold in _found(scene, "handoff", kind):
            if hold.verdict.cleanable:
                fix = each(partial(_fail, scene, hold))
                yield _told(handoff_abandoned, hold, REPAIR, fix)
                continue
            if _waits(scene, hold):
                told = _told(handoff_abandoned, hold, "Start the gateway: it takes up what waits.")
                yield replace(told, severity=Severity.INFO, remedy=Remedy.NONE)
                continue
            hint = advice("If no gateway is at it: `{}`", repair_of(hold.session or hold.subject))
            told = _told(handoff_abandoned, hold, hint, each(partial(_fail, scene, hold)))
            yield replace(told, severity=Severity.INFO, remedy=Remedy.UNSAFE)


def _waits(scene: Scene, hold: Hold) -> bool:
    """Whether no gateway has begun with it."""
    of = "SELECT 1 FROM sessions WHERE id = ? AND handoff_state = 'pending'"
    return scene.look.one(of, [hold.session]) is not None


def _fail(scene: Scene, hold: Hold, finding: Finding) -> Iterator[Unit]:
    yield from fail_handoff(scene.look, hold, finding.id, finding.fingerprint)


@check("LK009", "delegation-abandoned", Severity.INFO, Remedy.NONE, tables=("async_delegations",))
def delegation_abandoned(scene: Scene) -> Iterator[Finding]:
    """A run in the background has lost its program, or its result reached no chat.

    What it means: who waits for it waits for nothing. What the run did is not undone.

    How it happens: the gateway was killed or restarted while it ran (Hermes #65491, #86721).

    What repair does: nothing. Hermes 0.19 marks runs of programs that are gone as unknown when it
    starts, and delivers results that wait.

    How safe it is: nothing is changed: a result that nobody recorded is not made up.
    """
    for hold in _found(scene, "delegation", Kind.HOLDER_DEAD, Kind.STUCK):
        yield _told(
            delegation_abandoned, hold, "Nothing needs to be done: Hermes' start settles it."
        )
