"""What a person sees of a plan before answering: chats, numbers, words; and choosing some steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app import repair as app
from hermes_repair.app.environment import Run
from hermes_repair.app.plan_words import Words, words_of
from hermes_repair.app.proposal import Proposal, Request
from hermes_repair.cli.pager import page
from hermes_repair.cli.plan_question import numbers_in
from hermes_repair.cli.target import require_yes
from hermes_repair.home.layout import open_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.errors import Refused
from hermes_repair.report.lines import Line
from hermes_repair.report.step_text import SAID
from sample_data.build import build
from tests.cli.speaking import at_a_terminal, say
from tests.cli.test_terminal import plain
from tests.cli.test_terminal import words_of as words_in
from tests.homes.content import content, without_sequence
from tests.homes.home import query
from tests.homes.small import NOW
from tests.in_process import fixed_environment

Capture = pytest.CaptureFixture[str]
BACK = "20260524_091000_6fa459ea"
ORPHAN = "20260607_201500_069052"
ONLY_IN_FILE = "20260502_110300_b7d40e19"
FIRST_WORDS = "My sourdough starter is three days old and smells like nail polish."


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Return the damaged sample home: five steps that are safe, seven that are not."""
    return build("damaged", tmp_path / "damaged", NOW)


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("1", (1,)),
        (" 3, 1 ,3", (1, 3)),
        ("1,3-5", (1, 3, 4, 5)),
        ("12 2", (2, 12)),
        ("5-3", ()),
        ("0", ()),
        ("1,13", ()),
        ("all", ()),
        ("1,", (1,)),
        ("-1", ()),
        ("99999999999999999999", ()),
        ("", ()),
    ],
)
def test_numbers(answer: str, numbers: tuple[int, ...]) -> None:
    assert numbers_in(answer, 12) == numbers


def test_what_was_chosen_is_planned_and_nothing_else(damaged: Path, tmp_path: Path) -> None:
    """A judgement among it, and no round after it does what was not chosen."""
    before = without_sequence(content(damaged))
    run = Run(open_home(damaged), fixed_environment(tmp_path))
    shown: list[Proposal] = []

    def agree(proposal: Proposal) -> bool | app.Chosen:
        shown.append(proposal)
        wanted = (one for one in proposal.steps if one.unit.subject in (BACK, ONLY_IN_FILE))
        return app.Chosen(frozenset(o.unit.step for o in wanted)) if len(shown) == 1 else True

    done = app.repair(run, Request(LookOptions(), Selection()), agree)
    assert done.complete and done.units == 2 and len(shown) == 2
    assert {one.unit.subject for one in shown[1].plan.now} == {BACK, ONLY_IN_FILE}
    assert shown[1].plan.left == () and shown[0].digest != shown[1].digest
    rows = query(damaged, "SELECT session_id, COUNT(*) FROM messages GROUP BY 1")
    numbers = dict(rows)
    assert (numbers[BACK], numbers[ONLY_IN_FILE]) == (9, 10)
    gone = query(damaged, "SELECT parent_session_id FROM sessions WHERE id = ?", ORPHAN)
    assert gone[0][0] is not None, "this was not chosen"
    assert without_sequence(content(damaged)) != before


def test_nothing_chosen_that_there_still_is(damaged: Path, tmp_path: Path) -> None:
    run = Run(open_home(damaged), fixed_environment(tmp_path))
    nowhere = app.Chosen(frozenset({("session", "nobody", ("TR001",))}))
    done = app.repair(run, Request(LookOptions(), Selection()), lambda _proposal: nowhere)
    assert done.units == 0 and done.complete


def test_the_words_of_what_comes_back(damaged: Path, tmp_path: Path) -> None:
    run = Run(open_home(damaged), fixed_environment(tmp_path))
    words: dict[int, Words] = {}
    proposal = app.preview(run, Request(LookOptions(), Selection()), words=words)
    by_chat = {one.unit.subject: words.get(one.number) for one in proposal.steps}
    from_file, listed = by_chat[ONLY_IN_FILE], by_chat[ORPHAN]
    assert from_file is not None and listed is not None
    first, last = from_file.said
    assert first.role == "user" and first.text.startswith(FIRST_WORDS)
    assert first.at is not None and last.at is not None and first.at < last.at
    (first_row,) = query(
        damaged,
        "SELECT content FROM messages WHERE session_id = ? ORDER BY timestamp, id LIMIT 1",
        ORPHAN,
    )
    assert listed.said[0].text == " ".join(first_row[0][:400].split())
    counted = next(one for one in proposal.steps if one.unit.finding_ids == ("MS002",))
    assert counted.number not in words, "nothing comes back by it"


def test_words_whose_file_went_away(damaged: Path, tmp_path: Path) -> None:
    run = Run(open_home(damaged), fixed_environment(tmp_path))
    found: dict[int, Words] = {}

    def agree(proposal: Proposal) -> bool:
        (damaged / "sessions" / f"{ONLY_IN_FILE}.jsonl").unlink()
        mine = [one for one in proposal.steps if one.unit.subject == ONLY_IN_FILE]
        found.update(words_of(run, proposal.draft, mine))
        return False

    app.repair(run, Request(LookOptions(), Selection()), agree)
    (words,) = found.values()
    assert words.said == () and "changed or vanished" in words.problem


def test_a_person_looks_and_chooses(damaged: Path) -> None:
    said = at_a_terminal(
        damaged.parent, "repair", "--home", damaged, typed="list\nchoose\n99\n1,6\ny\n"
    )
    shown = " ".join(plain(said).split())
    assert said.code == 0 and shown.count("[y/N/list/choose]") == 3
    begin, _, rest = shown.partition("[y/N/list/choose]")
    assert '1. 2026-05-24, telegram, 5 -> 9 messages, "Permit for a garden shed"' in begin
    assert "7 other steps need your decision: `list` shows, `choose` takes what you want." in begin
    assert "6. 2026-05-02, 0 -> 10 messages TR002 bring back 10 messages" in rest
    assert (
        "In all: 4 messages come back to 1 chat, 2 chats are shown again, 2 other steps change no"
        " number of messages." in begin
    )
    assert FIRST_WORDS not in begin and f"you: {FIRST_WORDS[: SAID - 2]}" in rest
    assert "Type numbers from 1 to 12, such as 1,3-5." in rest
    assert "What you chose: The plan has 2 steps:" in rest and "Done: 2 steps, 18 changes." in rest


def test_words_are_for_a_person_at_a_terminal(damaged: Path, capsys: Capture) -> None:
    words = words_in(damaged)
    for more in (["--dry-run"], ["--dry-run", "--json"], ["--yes"], []):
        said = say(capsys, "repair", *more, "--show-content", "--home", damaged)
        assert said.code == 2 and "--show-content shows words of chats" in said.sentences()
        assert not [part for part in words if part in said.sentences()]
    said = say(capsys, "backfill", "--all", "--dry-run", "--show-content", "--home", damaged)
    assert said.code == 2
    said = at_a_terminal(
        damaged, "backfill", ONLY_IN_FILE, "-n", "--show-content", "--home", damaged
    )
    assert said.code == 0 and FIRST_WORDS[:40] in plain(said)


def test_a_question_needs_a_terminal_to_stand_on(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stderr in a file nobody would see what is asked, and titles would be in that file."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(Refused, match="no terminal to ask on"):
        require_yes(yes=False, check=lambda: None)


def test_a_pager_gets_what_is_higher_than_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "paged"
    monkeypatch.setenv("PAGER", f"tee {into}")
    monkeypatch.setenv("LINES", "20")
    monkeypatch.setenv("COLUMNS", "80")
    page([Line("short")])
    assert not into.exists() and "short" in capfd.readouterr().err
    page(Line(f"line {number} \x1b[31m") for number in range(30))
    text = into.read_text()
    assert "line 29 \\x1b[31m" in text and "\x1b[31m" not in text
    monkeypatch.setenv("PAGER", "no-such-pager")
    page(Line(f"line {number}") for number in range(30))
    assert "line 29" in capfd.readouterr().err, "what was asked for is shown all the same"
