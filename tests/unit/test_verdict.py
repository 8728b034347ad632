"""What a diagnosis comes to: nothing counts twice, and nothing unread is called sound."""

from __future__ import annotations

from typing import Any

import pytest

from hermes_repair.app.verdict import Amount, State, Verdict, weigh
from hermes_repair.checks.registry import AREAS, all_checks, find_check
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.report.audience import Audience
from hermes_repair.report.verdict_text import verdict_lines

CHECKS = all_checks()
EVERY = [check.id for check in CHECKS]


def found(id: str, session: str | None = None, messages: int = 0, **more: Any) -> Finding:
    check = find_check(id)
    assert check is not None
    subject = {"kind": "session", "session_id": session} if session else {"kind": "database"}
    hint = more.pop("hint", command("repair"))
    return check.finding(subject, f"is {check.name}.", hint, messages=messages, **more)


def of(*findings: Finding, run: list[str] | None = None, **left_out: str) -> Verdict:
    return weigh(findings, CHECKS, EVERY if run is None else run, left_out)


def said(verdict: Verdict) -> list[str]:
    lines = verdict_lines(verdict, Audience(" --home /h"), deep=False, nothing="Nothing.")
    return [line.text.replace("\ufdd0", " ") for line in lines if line.text]


def test_who_is_there_has_to_go_first() -> None:
    both = of(found("LK001"), found("LN001", "a", 14))
    first = "close that program"
    _, line, *_ = verdict_lines(both, Audience(), deep=True, nothing="", first=first)
    assert line.text.replace("\ufdd0", " ") == (
        "14 messages in 1 chat can come back safely, and 1 other problem can be repaired:"
        " `hermes-repair repair --deep` (first close that program)"
    )


def states(verdict: Verdict) -> dict[str, State]:
    return {area.name: area.state for area in verdict.areas}


def test_a_chat_that_several_findings_name_counts_once() -> None:
    """It is hidden twice over, and lacks what its file has: those add up."""
    verdict = of(
        found("LN001", "a", 14, sessions=1),
        found("LN006", "a", 14, sessions=1),
        found("TR001", "a", 4, sessions=1),
        found("LN003", messages=6, sessions=3),
    )
    assert verdict.back == Amount(14 + 4 + 6, 1 + 3)
    assert said(verdict)[0] == (
        "24 messages in 4 chats can come back safely: `hermes-repair repair --home /h`"
    )


def test_what_is_seen_all_the_same_does_not_come_back() -> None:
    verdict = of(found("MS001", "a", 5), found("MS002", "b"), found("TR006", "c", 9))
    assert verdict.back == Amount() and verdict.mended == 2, "a note is no problem"
    assert said(verdict)[0] == "2 problems can be repaired safely: `hermes-repair repair --home /h`"


def test_what_may_have_been_removed_is_a_decision() -> None:
    verdict = of(
        found("TR002", "a", 10),
        found("TR007", "b", 2),
        found("LN006", "c", 6, severity=Severity.INFO, remedy=Remedy.UNSAFE),
        found("MS003", "d", 3),
    )
    assert verdict.decide == Amount(10 + 2, 2) and verdict.hidden == Amount(3, 1)
    assert said(verdict)[:2] == [
        "12 messages in 2 chats may have been removed on purpose: you decide."
        " `hermes-repair backfill --home /h --all --dry-run` shows them.",
        "3 messages in 1 chat are out of sight, and how to show them is your choice (MS003).",
    ], "`backfill` shows no message of the database, and a delegate's run is rightly hidden"


def test_one_decision_is_told_once() -> None:
    """The count that is too high says of a chat what its file says already."""
    of_count = found("MS002", "a", 10, remedy=Remedy.MANUAL, hint=command("backfill", "a"))
    other = found("MS002", "a", remedy=Remedy.UNSAFE, hint=command("repair", "--session", "a"))
    verdict = of(found("TR001", "a", 10, remedy=Remedy.UNSAFE), of_count, other)
    assert verdict.choices == (other,) and verdict.decide == Amount(10, 1)
    assert said(verdict)[1] == "1 problem needs your decision (MS002)."


def test_an_update_ahead() -> None:
    hint = command("migrate", "--to", "16", "--dry-run")
    ahead = found("LN010", messages=40, sessions=7, hint=hint)
    verdict = of(found("SC001", hint=command("migrate")), ahead)
    assert verdict.at_risk == Amount(40, 7) and verdict.back == Amount()
    assert said(verdict)[0] == (
        "is would-be-hidden: `hermes-repair migrate --home /h --to 16 --dry-run`"
    )


def test_who_has_to_do_something_else() -> None:
    verdict = of(
        found("LK004", hint=advice("If it is over: {}", command("repair", "--unsafe"))),
        found("DB009", hint="Ask who made it."),
        found("TR004", "a", hint=""),
    )
    assert said(verdict)[:2] == [
        "1 problem needs your decision (LK004).",
        "2 problems cannot be repaired by a command (DB009, TR004).",
    ]


@pytest.mark.parametrize(
    ("finding", "end"),
    [
        (found("DB003", hint=advice("Run `{}`.", command("salvage"))), ": `hermes-repair salvage"),
        (
            found("DB002", hint=advice("{} or {}", command("a"), command("b"))),
            "; what to do stands",
        ),
        (found("DB001", hint="Nothing helps."), "; what to do stands below."),
    ],
    ids=["one way", "a choice", "no way"],
)
def test_what_nothing_else_can_be_done_before(finding: Finding, end: str) -> None:
    """Then no command is named that would be refused."""
    lines = said(of(finding, found("LN001", "a", 14), found("TR002", "b", 3)))
    assert f"Nothing is written here until that is settled{end}" in lines[0]
    assert not any("repair --home" in line or "backfill" in line for line in lines)


def test_what_was_not_asked_for_keeps_others_out_all_the_same() -> None:
    verdict = weigh([found("LN001", "a", 14)], CHECKS, ["LN001"], {}, "DB003")
    assert said(verdict)[0] == (
        "Nothing is written here until DB003 is settled: `hermes-repair doctor --home /h`"
    )


def test_every_area_has_a_line() -> None:
    verdict = of(found("LN001", "a", 1), found("LK001"), found("TR002", "b", 1))
    stands = states(verdict)
    assert list(stands) == [name for name in dict.fromkeys(AREAS.values()) if name in stands]
    assert set(stands) == {check.area for check in CHECKS}
    assert stands["lineage"] is State.BAD and stands["locks"] is State.WARNING
    assert stands["chats"] is State.SOUND, "a note is no problem"
    lines = said(verdict)
    assert "✗ lineage  1 problem (LN001)" in lines
    assert "✓ chats    1 note" in lines
    assert "✓ file     nothing wrong" in lines


def test_what_could_not_be_read_is_not_called_sound() -> None:
    run = [id for id in EVERY if not id.startswith("TR") and id != "LN001"]
    left_out = {id: "unreadable" for id in EVERY if id not in run}
    verdict = of(found("LN004", "a", 3, severity=Severity.ERROR), run=run, **left_out)
    assert states(verdict)["chats"] is State.UNKNOWN and states(verdict)["lineage"] is State.BAD
    transcripts = sum(id.startswith("TR") for id in EVERY)
    (line,) = (line for line in said(verdict) if line.startswith("? chats"))
    assert line.endswith(f" {transcripts} of {_checks('chats')} checks could not be run")


def test_what_nobody_asked_for_has_no_line() -> None:
    run = [id for id in EVERY if id.startswith("LN")]
    verdict = of(run=run, **{id: "selection" for id in EVERY if id not in run})
    assert said(verdict) == ["Nothing.", "✓ lineage  nothing wrong"]


def _checks(area: str) -> int:
    return sum(check.area == area for check in CHECKS)


def test_every_family_has_a_word() -> None:
    assert {check.id[:2] for check in CHECKS} <= set(AREAS)
