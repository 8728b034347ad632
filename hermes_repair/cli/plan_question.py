"""Asking a person at a terminal about a plan: yes, no, all of it, or some of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hermes_repair.app.plan_words import Words, words_of
from hermes_repair.app.proposal import Proposal
from hermes_repair.app.repair import Chosen
from hermes_repair.cli.pager import page
from hermes_repair.cli.questions import answer_to
from hermes_repair.cli.target import Responder
from hermes_repair.report import repair_text, screen
from hermes_repair.report.lines import Line, show
from hermes_repair.report.step_text import Steps

QUESTION = "Apply this plan? [y/N/list/choose] "
WHICH = "Which steps? Numbers such as 1,3-5; Return goes back: "
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


def ask_about_plan(
    responder: Responder,
    proposal: Proposal,
    name: str,
    head: Iterable[Line],
    *,
    show_content: bool = False,
) -> bool | Chosen:
    """Show a plan below ``head``, and ask; return yes, no, or the steps that were chosen.

    ``name`` is the command that was typed. ``show_content``: with the first and last words of what
    comes back, as ``list`` shows them.
    """
    words = _words(responder, proposal) if show_content else {}
    brief = screen.current() is not None
    plan = repair_text.plan_lines(
        proposal, responder.audience, name, words, asking=True, brief=brief
    )
    show([*head, *plan], stream="stderr")
    while True:
        answer = answer_to(QUESTION).lower()
        if answer in ("y", "yes"):
            return True
        if answer in ("l", "list"):
            words = words or _words(responder, proposal)
            steps = Steps(proposal, responder.audience, words, whole=True)
            page(steps.lines(proposal.steps))
        elif answer in ("c", "choose"):
            if chosen := _choose(len(proposal.steps)):
                return Chosen(frozenset(proposal.steps[place - 1].unit.step for place in chosen))
        else:
            return False


def _words(responder: Responder, proposal: Proposal) -> dict[int, Words]:
    return words_of(responder.run, proposal.draft, proposal.steps)


def _choose(last: int) -> Sequence[int]:
    """Ask for numbers until they are some that there are; return none where there is no answer."""
    while answer := answer_to(WHICH):
        numbers = numbers_in(answer, last)
        if numbers:
            return numbers
        show([Line(f"Type numbers from 1 to {last}, such as 1,3-5.", "warning")], stream="stderr")
    return ()


def numbers_in(answer: str, last: int) -> tuple[int, ...]:
    """Return the numbers that ``1,3-5 8`` names, each once and in order.

    None where a word is no number or range, or names one that is not from 1 to ``last``.
    """
    numbers: set[int] = set()
    for word in answer.replace(",", " ").split():
        found = _RANGE.fullmatch(word)
        if found is None:
            return ()
        first, end = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= end <= last:
            return ()
        numbers.update(range(first, end + 1))
    return tuple(sorted(numbers))
