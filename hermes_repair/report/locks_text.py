"""What ``locks`` says, in words and as JSON.

``locks clean`` runs every few minutes: what only ``locks list`` has is not imported here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermes_repair.leases.lock_verdicts import span
from hermes_repair.model.commands_to_type import command
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import readable
from hermes_repair.model.words import count, shown_id
from hermes_repair.report import json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.json_documents import plain_time
from hermes_repair.report.lines import Line, as_asked, table

if TYPE_CHECKING:
    from hermes_repair.app.clean_locks import Cleaned
    from hermes_repair.app.locks import Held
    from hermes_repair.evidence.lock_holds import Hold, JudgedLock
    from hermes_repair.host import ProcessInfo

HEADINGS = ("WHAT", "SESSION OR NAME", "HOLDER", "AGE", "EXPIRES IN", "VERDICT", "CLEANED BY")
LOCK, HANDOFF = "compression-lock", "handoff"
_NOT_WRITTEN = "Nothing was written; add --write for that."


def cleaned_document(cleaned: Cleaned, *, dry_run: bool) -> dict[str, Any]:
    """Return what ``locks clean`` did as JSON."""
    return {
        "dry_run": dry_run,
        "freed": [lock.session for lock in cleaned.freed],
        "kept": [lock.session for lock in cleaned.kept],
        "refused": [
            {"session_id": lock.session, **json_documents.reason(error)}
            for lock, error in cleaned.refused
        ],
        "locks": [_lock(lock) for lock in cleaned.seen],
        "note": cleaned.note,
        "receipt": str(cleaned.receipt) if cleaned.receipt is not None else None,
        "handoffs_ended": [hold.subject for hold in cleaned.ended],
    }


def cleaned_lines(
    cleaned: Cleaned, root: Path, *, dry_run: bool, verbose: bool, profile: str = ""
) -> Iterator[Line]:
    """Yield what ``locks clean`` did: nothing where it did nothing, but with -v.

    ``profile`` begins each line where it is one of several.
    """
    freed = "would free" if dry_run else "freed"
    where = f"profile {profile}: " if profile else ""
    for lock in cleaned.freed:
        yield Line(f"{where}{freed} {_named(lock)}: {lock.verdict.reason}", asked=dry_run)
    ended = "would end" if dry_run else "ended"
    for hold in cleaned.ended:
        handoff = f"the handoff of {shown_id(hold.subject)}"
        yield Line(f"{where}{ended} {handoff}: {hold.verdict.reason}", asked=dry_run)
    for lock, error in cleaned.refused:
        yield Line(f"{where}not freed: {_named(lock)}. {error.message}", "error", asked=True)
    if verbose:
        yield from _stays(cleaned, root)


def _named(lock: JudgedLock) -> str:
    return f"the compression lock of {shown_id(lock.session)}"


def _stays(cleaned: Cleaned, root: Path) -> Iterator[Line]:
    """Say under -v what was left, and why."""
    if cleaned.note is not None and not cleaned.ended:
        yield Line(f"{root}: nothing was done: {cleaned.note.rstrip('.')}.")
        return
    over = [*cleaned.freed, *(lock for lock, _ in cleaned.refused), *cleaned.kept]
    for lock in cleaned.seen:
        if lock not in over:
            yield Line(f"stays: {_named(lock)}. {lock.verdict.reason}")
    for lock in cleaned.kept:
        yield Line(f"stays: {_named(lock)}. It was renewed or released in the meantime.")
    locks = count(len(cleaned.seen), "compression lock")
    yield Line(f"{root}: {locks} seen, {len(cleaned.freed)} freed.")


def _lock(lock: JudgedLock) -> dict[str, Any]:
    return {
        "session_id": lock.session,
        "holder": readable(lock.row["holder"]),
        "acquired_at": plain_time(lock.row["acquired_at"]),
        "expires_at": plain_time(lock.row["expires_at"]),
        "verdict": lock.verdict.kind.value,
        "reason": str(lock.verdict.reason),
        "cleanable": lock.verdict.cleanable,
    }


def held_document(held: Held, now: float) -> dict[str, Any]:
    """Return everything that holds or blocks as JSON; ``now`` in epoch seconds."""
    return {
        "locks": [_hold(hold, held, now) for hold in held.holds],
        "note": held.problem.message if held.problem is not None else None,
    }


def held_lines(held: Held, now: float, audience: Audience) -> Iterator[Line]:
    """Yield everything that holds or blocks, and the commands that clean what is provably over."""
    if held.problem is not None:
        text = f"state.db was not checked. {held.problem.message}"
        yield Line(audience.typed(text), "error", asked=True)
    if held.holds:
        yield from as_asked(_table(held, now, audience))
        safe = [hold for hold in held.holds if hold.verdict.safety is Safety.SAFE]
        names = filter(None, (_cleaned_by(hold, held) for hold in safe))
        for name in dict.fromkeys(names):
            yield audience.next(command(name))
    elif held.problem is None:
        yield Line("Nothing is held.")


def _table(held: Held, now: float, audience: Audience) -> Iterator[Line]:
    rows = [_row(hold, held, now) for hold in held.holds]
    reasons = [(audience.typed(hold.verdict.reason), *hold.notes) for hold in held.holds]
    if not audience.terminal:
        yield Line("  ".join((*HEADINGS, "WHY")))
        for row, why in zip(rows, reasons, strict=True):
            yield Line("  ".join((*row, *why)))
        return
    labels = audience.labels(held.labels)
    first, *aligned = table(*_columns(rows))
    yield Line(first, "dim")
    for text, hold, row, why in zip(aligned, held.holds, rows, reasons, strict=True):
        yield Line(text, "warning" if hold.verdict.safety is not None else "")
        label = labels.get(hold.session or "")
        named = (label.words(),) if label is not None else ()
        parts = (*_who_and_when(row), *why, *named)
        yield from (Line(f"    {part}", "dim") for part in parts)


def _columns(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Return what fits on a terminal of 80 columns: headings, and the cells of each row."""
    kept = [HEADINGS.index(name) for name in ("WHAT", "SESSION OR NAME", "VERDICT", "CLEANED BY")]
    return [HEADINGS[n] for n in kept], [[row[n] for n in kept] for row in rows]


def _who_and_when(row: Sequence[str]) -> Iterator[str]:
    """Yield what a row says of its holder and times, as far as they are known."""
    told = dict(zip(HEADINGS, row, strict=True))
    parts = []
    if told["HOLDER"] != "-":
        parts.append(f"holder: {told['HOLDER']}")
    if told["AGE"] != "-":
        parts.append(f"taken {told['AGE']} ago")
    if (until := told["EXPIRES IN"]) != "-":
        parts.append(f"expired {until}" if until.endswith(" ago") else f"expires in {until}")
    if parts:
        yield "; ".join(parts)


def _row(hold: Hold, held: Held, now: float) -> tuple[str, ...]:
    return (
        hold.what,
        hold.subject,
        _holder(hold),
        span(now - hold.taken) if hold.taken is not None else "-",
        _until(hold.expires, now),
        hold.verdict.kind.value,
        _cleaned_by(hold, held) or "nothing",
    )


def _cleaned_by(hold: Hold, held: Held) -> str | None:
    """Return the command that may take it away; None where nothing of ours does."""
    if hold.verdict.safety is None:
        return None
    if hold.verdict.safety is Safety.UNSAFE:
        return "repair --unsafe"
    cleans = hold.what in (LOCK, HANDOFF) and not held.left_behind
    return "locks clean" if cleans else "repair"


def _until(expires: float | None, now: float) -> str:
    if expires is None:
        return "-"
    return span(expires - now) if expires > now else f"{span(now - expires)} ago"


def _holder(hold: Hold) -> str:
    """Say who holds it: number, alive or not, since when, which command."""
    if hold.pid is None:
        return "unreadable" if hold.holder is not None else "-"
    if hold.process is None:
        return f"pid {hold.pid}, not there"
    if hold.process.zombie:
        return f"pid {hold.pid}, ended"
    return hold.process.describe()


def _hold(hold: Hold, held: Held, now: float) -> dict[str, Any]:
    return {
        "what": hold.what,
        "subject": hold.subject,
        "session_id": hold.session,
        "holder": hold.holder,
        "pid": hold.pid,
        "process": _process(hold.process),
        "acquired_at": plain_time(hold.taken),
        "expires_at": plain_time(hold.expires),
        "age": plain_time(now - hold.taken) if hold.taken is not None else None,
        "expires_in": plain_time(hold.expires - now) if hold.expires is not None else None,
        "verdict": hold.verdict.kind.value,
        "reason": str(hold.verdict.reason),
        "notes": list(hold.notes),
        "cleanable": hold.verdict.cleanable,
        "cleaned_by": _cleaned_by(hold, held),
    }


def _process(process: ProcessInfo | None) -> dict[str, Any] | None:
    """Return the process that has the holder's number now; None where there is none."""
    if process is None:
        return None
    return {
        "pid": process.pid,
        "alive": not process.zombie,
        "since": process.start_time,
        "program": process.program.value,
        "command": process.command,
    }


def timer_document(texts: Mapping[Path, str], start: str, *, written: bool) -> dict[str, Any]:
    """Return the unit files of a timer as JSON; ``start`` is the command that starts it."""
    return {
        "files": {str(path): text for path, text in texts.items()},
        "written": written,
        "next": start,
    }


def timer_lines(texts: Mapping[Path, str]) -> Iterator[Line]:
    """Yield the unit files of a timer, each below its path."""
    for path, text in texts.items():
        yield Line(f"# {path}", "head")
        yield from (Line(line, verbatim=True) for line in text.splitlines())
        yield Line("")


def timer_advice(start: str, *, written: bool) -> Iterator[Line]:
    """Yield what is left to do about a timer."""
    yield Line("Written. Nothing runs yet." if written else _NOT_WRITTEN)
    yield Line(f"Next: {start}", verbatim=True)
