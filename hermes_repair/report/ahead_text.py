"""What Hermes will delete by itself, in words (``doctor --ahead``, ``--for``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import count, shown_id, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line

if TYPE_CHECKING:  # slow to load, and few looks have it
    from hermes_repair.evidence.deleted_ahead import Ahead, Deletion

SHOWN = 5
UNTRIED = ", by what is published of it (it could not be tried)"


def ahead_lines(ahead: Ahead, audience: Audience) -> Iterator[Line]:
    """Yield what the starts of a release delete here, and how to keep it."""
    who = f"Hermes {ahead.release}" if ahead.release is not None else "Hermes"
    within = f" within {ahead.days:g} days" if ahead.days else " when it starts"
    yield Line("")
    yield Line(f"What {who} will delete here{within}{'' if ahead.tried else UNTRIED}:", "head")
    taken = ahead.sessions
    if not taken:
        off = "" if ahead.prunes else " (sessions.auto_prune is off)"
        yield Line(f"  No chat and no file{off}.", "good")
        return
    files, messages = sum(len(one.files) for one in taken), sum(one.messages for one in taken)
    what = f"{count(len(taken), 'session')} with {count(messages, 'message')}"
    theirs = f", and {count(files, 'file')} of {verb(len(taken), 'it', 'theirs')}" if files else ""
    why = f": ended, and older than {ahead.retention_days:,} days" if ahead.prunes else ""
    yield Line(f"  {what}{theirs}{why}.", "warning")
    others = sum(len(one.gateway_files) for one in taken)
    if others:
        told = (
            f"  Where the gateway starts first, {count(others, 'file')} of its own folder instead."
        )
        yield Line(told, "warning")
    shown = taken if audience.verbose else taken[:SHOWN]
    yield from (Line(f"    {_one(one)}") for one in shown)
    if len(shown) < len(taken):
        yield Line(f"    and {len(taken) - len(shown):,} more; -v lists all", "dim")
    keep = "To keep a copy: `{}`. To keep them here: sessions.auto_prune: false in config.yaml."
    yield Line(f"  -> {audience.typed(advice(keep, command('backup')))}", "good")


def _one(one: Deletion) -> str:
    when = f"in {one.in_days:,.1f} days" if one.in_days else "at the next start"
    said = "nothing was said in it" if one.empty else count(one.messages, "message")
    files = f", with {', '.join(map(shown_id, one.files))}" if one.files else ""
    if one.gateway_files:
        files += f" (the gateway: {', '.join(map(shown_id, one.gateway_files))})"
    return f"{shown_id(one.session_id)}: {when}, {said}{files}"
