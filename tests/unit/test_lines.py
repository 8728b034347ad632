"""Lines on a terminal: how wide they are, where they end, what stays whole, what has colour."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import cells, escape, minute, pad, second, shorten
from hermes_repair.report.audience import Audience
from hermes_repair.report.colour import Colour, wants_colour
from hermes_repair.report.lines import Line, table, wrapped

HINDI = "नमस्ते दुनिया"
THAI = "สวัสดีชาวโลก"
FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("plain", 5),
        ("日本", 4),
        ("e\u0301", 1),
        (FAMILY, 2),
        ("🇩🇪", 2),
        ("👍🏽", 2),
        (THAI, 10),
        ("नि", 1),
    ],
)
def test_what_is_drawn_as_one_takes_the_room_of_one(text: str, columns: int) -> None:
    assert cells(text) == columns
    assert pad(text, columns + 2) == f"{text}  "


def test_joiners_stay_where_they_join() -> None:
    persian, conjunct = "می\u200cخواهم", "क्\u200dष"
    for text in (FAMILY, persian, conjunct):
        assert escape(text) == text
    assert escape("pass\u200dword") == "pass\\u200dword"
    assert escape("\u200d") == "\\u200d" and escape("日\u200d") == "日\\u200d"
    assert escape("日\u200d\u202e日") == "日\\u200d\\u202e日"


@pytest.mark.parametrize("text", ["a" * 90, "日本" * 40, FAMILY * 30, HINDI * 9, "x\u0301" * 90])
@pytest.mark.parametrize("width", [1, 2, 3, 17, 28])
def test_a_short_text_fits_and_ends_between_letters(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cells(short) <= width and short.endswith("…")
    kept = short[:-1]
    assert text.startswith(kept) and not kept.endswith("\u200d")
    rest = text[len(kept) :]
    assert not kept or rest[0] not in "\u0301\u200d\u093f", "a mark was torn from its letter"


def test_what_fits_is_not_cut() -> None:
    assert shorten(FAMILY * 3, 6) == FAMILY * 3
    assert shorten("\x1b[2J", 40) == "\\x1b[2J"


def test_columns_are_aligned_whatever_they_hold() -> None:
    rows = table(("NAME", "N"), [(HINDI, "1"), (FAMILY, "2"), ("日本語", "3"), ("plain", "4")])
    assert len({cells(row) for row in rows}) == 1


def test_lines_end_after_words_and_go_on_further_in() -> None:
    line = Line("  the message of a finding that does not fit into so few columns of a terminal")
    broken = wrapped(line, 40)
    assert [cells(part) <= 40 for part in broken] == [True] * len(broken) and len(broken) == 3
    assert broken[0].startswith("  the") and all(
        part[:5] == "    " + part[4] for part in broken[1:]
    )
    assert " ".join(part.strip() for part in broken) == line.text.strip()
    assert wrapped(Line("it fits"), 40) == ["it fits"]
    assert wrapped(Line("x" * 90 + " y", verbatim=True), 40) == ["x" * 90 + " y"]
    wide = wrapped(Line("日本 " * 30), 41)
    assert all(cells(part) <= 41 for part in wide) and len(wide) == 4


def test_a_command_to_copy_stays_whole() -> None:
    audience = Audience(home_option=" --home '/srv/my own home'")
    hint = advice("If you want it: {} (it may have been deleted).", command("backfill", "s 1"))
    typed = "hermes-repair backfill --home '/srv/my own home' 's 1'"
    for width in range(30, 120):
        broken = wrapped(Line(f"  -> {audience.typed(hint)}"), width)
        assert sum(typed in part for part in broken) == 1, (width, broken)
        assert "\ufdd0" not in "".join(broken)
    stop = Line("Repaired only when nobody has it open (run `hermes --profile work gateway stop`).")
    for width in range(38, 90):
        assert any("`hermes --profile work gateway stop`" in part for part in wrapped(stop, width))


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"CLICOLOR": "1"}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0", "FORCE_COLOR": ""}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(choice: str, environ: dict[str, str], terminal: bool, expected: bool) -> None:
    assert wants_colour(Colour(choice), environ, terminal=terminal) is expected


@pytest.fixture
def in_india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_time_has_its_zone(in_india: None) -> None:
    assert minute(1_781_946_000.0) == "2026-06-20 14:30 +0530"
    assert second(1_781_946_000.0) == "2026-06-20 14:30:00 +0530"
    assert minute(1e300) == "time 1e+300"
