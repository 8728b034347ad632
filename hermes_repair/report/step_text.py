"""The steps of a plan: which chat, when and where, and how many messages it has then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hermes_repair.app.plan_words import Said, Words
from hermes_repair.app.proposal import Proposal
from hermes_repair.checks.registry import find_check
from hermes_repair.model.findings import Concerns
from hermes_repair.model.plans import Outline
from hermes_repair.model.words import SessionLabel, count, minute, shorten, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line

BIGGEST = 10
WHOLE = 14  # steps that a terminal shows of one kind before it shows the biggest alone
IN_A_TALK = 7  # steps that a talk shows, a row each
SAID = 70  # columns of a message's words
ROW = 78  # columns of a step in a row
_WHO = {"user": "you", "assistant": "Hermes"}


class Steps:
    """How the steps of one proposal are told; at a terminal each has its number.

    A number is that of :attr:`Proposal.steps`, whatever is shown of them. ``whole``: show all of
    them, however many; ``more`` says how to see the rest. ``brief``: a row each, and few.
    """

    def __init__(  # noqa: PLR0913 - how much of them is shown, by name
        self,
        proposal: Proposal,
        audience: Audience,
        words: Mapping[int, Words],
        *,
        whole: bool = False,
        brief: bool = False,
        more: str = "-v lists all",
    ) -> None:
        self._labels = audience.labels(proposal.labels)
        self._audience = audience
        self._words = words
        self._more = more
        self._whole = whole or audience.verbose or not audience.terminal
        self._brief = brief and not whole
        self._numbers = {one.number: place for place, one in enumerate(proposal.steps, 1)}
        self._wide = len(str(len(self._numbers)))

    def lines(self, outlines: Sequence[Outline], style: str = "") -> Iterator[Line]:
        """Yield some steps in their order; of many the biggest, unless all are wanted."""
        shown = outlines
        if self._brief and len(outlines) > IN_A_TALK:
            shown = biggest(outlines, IN_A_TALK)
        elif not self._whole and len(outlines) > WHOLE:
            shown = biggest(outlines, BIGGEST)
        for one in shown:
            if self._brief:
                yield Line(self._row(one), style)
                continue
            yield from self._step(one, style)
            yield from self._said(one)
        if len(shown) < len(outlines):
            rest = len(outlines) - len(shown)
            yield Line(f"  and {rest:,} more; {self._more}", "dim")

    def _row(self, outline: Outline) -> str:
        """Return one step in a row: which chat, or where there is none what is done."""
        what = self._chat(outline) or outline.unit.summary
        number = f"  {self._numbers[outline.number]:>{self._wide}}. "
        text = f"{number}{', '.join(outline.unit.finding_ids)} {what}"
        return shorten(text, ROW)

    def _step(self, outline: Outline, style: str) -> Iterator[Line]:
        """Yield one step: at a terminal the chat first, in a line of its own."""
        unit = outline.unit
        what = f"{', '.join(unit.finding_ids)} {unit.summary}"
        how = f"; {count(outline.actions, 'change')}, {unit.safety.value}"
        chat = self._chat(outline)
        if not self._audience.terminal:
            yield Line(f"  {what}{f' [{chat}]' if chat else ''}{how}", style)
            return
        number = f"  {self._numbers[outline.number]:>{self._wide}}. "
        if chat:
            yield Line(f"{number}{chat}", style)
            number = " " * len(number)
        yield Line(f"{number}{what}{how}", style or ("dim" if chat else ""))

    def _chat(self, outline: Outline) -> str:
        """Return where and when a chat is, and how many messages it has before and after."""
        label = self._labels.get(outline.unit.subject)
        if label is None and outline.messages > 0:  # only a file has it
            label = SessionLabel(outline.since, None, 0)
        return label.words(label.messages + outline.messages) if label is not None else ""

    def _said(self, outline: Outline) -> Iterator[Line]:
        words = self._words.get(outline.number)
        if words is None:
            return
        margin = " " * (4 + self._wide)
        if words.problem:
            yield Line(f"{margin}Its words cannot be shown: {words.problem}", "warning")
        yield from (Line(f"{margin}{_quote(said)}") for said in words.said)


def _quote(said: Said) -> str:
    when = f"{minute(said.at)}, " if said.at is not None else ""
    return f"{when}{_WHO.get(said.role, said.role)}: {shorten(said.text, SAID)}"


def biggest(outlines: Sequence[Outline], number: int) -> list[Outline]:
    """Return the steps that add or remove most messages, or change most, in their order."""
    by_size = sorted(outlines, key=lambda one: (-abs(one.messages), -one.actions))
    kept = {one.number for one in by_size[:number]}
    return [one for one in outlines if one.number in kept]


def _shows(finding_id: str) -> bool:
    """Whether mending such a finding shows messages that are in the database already."""
    check = find_check(finding_id)
    return check is not None and check.concerns is Concerns.UNSEEN


def total(outlines: Sequence[Outline]) -> str:
    """Return what steps come to: messages added or removed, chats shown, all other changes."""
    added = [one for one in outlines if one.messages > 0]
    removed = [one for one in outlines if one.messages < 0]
    rest = [one for one in outlines if not one.messages]
    shown = sum(any(map(_shows, one.unit.finding_ids)) for one in rest)
    others = len(rest) - shown
    parts = []
    if added:
        messages = count(sum(one.messages for one in added), "message")
        parts.append(f"{messages} come back to {count(len(added), 'chat')}")
    if removed:
        messages = count(-sum(one.messages for one in removed), "surplus message")
        parts.append(f"{messages} go from {count(len(removed), 'chat')}")
    if shown:
        parts.append(f"{count(shown, 'chat')} {verb(shown, 'is', 'are')} shown again")
    if others:
        steps = count(others, "other step" if parts else "step")
        parts.append(f"{steps} change{'s' if others == 1 else ''} no number of messages")
    return f"In all: {', '.join(parts)}."
