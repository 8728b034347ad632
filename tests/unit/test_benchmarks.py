"""The generator makes the homes that it promises, and the runner measures every row."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.bench import Bench, Row
from benchmarks.make_home import BLOB, Made, Size, main, make_home
from benchmarks.measure import MeasureError, Run, best_in_turns
from benchmarks.measure import run as run_process
from benchmarks.rows import ROWS
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.structure_difference import normalised
from tests.homes.home import opened, query_at_rest
from tests.unit.schema_support import structure_of

SMALL = Size(messages=900, schema=14, jsonl_bytes=150_000, damaged_every=2)


def lines(home: Path) -> dict[str, int]:
    """Return the whole lines of each transcript, session_meta aside."""
    return {
        path.stem: sum(
            line.endswith("}\n") and '"session_meta"' not in line
            for line in path.open(encoding="utf-8")
        )
        for path in (home / "sessions").glob("*.jsonl")
    }


def test_home_has_what_was_promised(tmp_path: Path) -> None:
    made = make_home(tmp_path, SMALL)
    assert made.messages + made.missing == SMALL.messages
    assert made.missing > 0
    assert query_at_rest(tmp_path, "SELECT COUNT(*) FROM messages") == [(made.messages,)]
    assert query_at_rest(tmp_path, "SELECT COUNT(*) FROM messages_fts_trigram") == [
        (made.messages,)
    ]
    assert query_at_rest(tmp_path, "SELECT COUNT(*) FROM sessions") == [(made.sessions,)]
    assert query_at_rest(tmp_path, "PRAGMA quick_check") == [("ok",)]
    assert query_at_rest(tmp_path, "PRAGMA foreign_key_check") == []
    wrong = "SELECT id FROM sessions s WHERE message_count <> (SELECT COUNT(*) FROM messages m"
    assert query_at_rest(tmp_path, f"{wrong} WHERE m.session_id = s.id)") == []
    files = list((tmp_path / "sessions").iterdir())
    assert len(files) == made.transcripts
    assert sum(path.stat().st_size for path in files) == made.jsonl_bytes >= SMALL.jsonl_bytes


def test_damage_is_what_was_promised(tmp_path: Path) -> None:
    made = make_home(tmp_path, SMALL)
    stored = dict(
        query_at_rest(tmp_path, "SELECT session_id, COUNT(*) FROM messages GROUP BY session_id")
    )
    differs = {name: stored.get(name, 0) - count for name, count in lines(tmp_path).items()}
    assert sum(bool(difference) for difference in differs.values()) == made.damaged > 2
    assert sum(-difference for difference in differs.values() if difference < 0) == made.missing
    # A torn line is in SQLite alone.
    assert {difference for difference in differs.values() if difference > 0} == {1}


def test_same_seed_gives_the_same_home(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        make_home(tmp_path / name, Size(messages=100, jsonl_bytes=10_000, seed=seed))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("number", [10, 11, 13, 14, 16, 22])
def test_structure_is_the_catalogues(tmp_path: Path, number: int) -> None:
    make_home(tmp_path, Size(messages=20, schema=number))
    with opened(tmp_path) as connection:
        structure = normalised(structure_of(connection))
    assert structure == normalised(default_catalogue().structure(number))
    assert query_at_rest(tmp_path, "SELECT version FROM schema_version") == [(number,)]


def test_padding_makes_the_file_large(tmp_path: Path) -> None:
    make_home(tmp_path, Size(messages=20, padding_bytes=3_000_000))
    assert (tmp_path / "state.db").stat().st_size > 3_000_000
    assert query_at_rest(tmp_path, "PRAGMA quick_check") == [("ok",)]
    assert BLOB < 1_000_000_000


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (Size(messages=20, schema=9), "schema 9"),
        (Size(messages=20, schema=23), "schema 23"),
        (Size(messages=20, jsonl_bytes=10_000_000), "20 messages give"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, size: Size, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make_home(tmp_path, size)


def test_no_home_is_overwritten(tmp_path: Path) -> None:
    make_home(tmp_path, Size(messages=20))
    with pytest.raises(FileExistsError):
        make_home(tmp_path, Size(messages=20))


def test_command_line_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--messages", "50", "--schema", "13"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "sessions": said["sessions"],
        **{name: 0 for name in Made.__slots__ if name not in ("sessions", "messages")},
        "messages": 50,
    }


def test_best_is_by_time_and_highest_peak() -> None:
    runs = iter(
        [Run(3.0, 0.4, 10, "a"), Run(9.0, 2.0, 1, ""), Run(1.0, 0.5, 5, "b"), Run(8.0, 3.0, 7, "")]
    )
    best = best_in_turns(2, lambda: next(runs), lambda: next(runs))
    assert best == [Run(1.0, 0.4, 10, "b"), Run(8.0, 2.0, 7, "")]


def test_process_is_measured_and_its_failure_is_loud(tmp_path: Path) -> None:
    done = run_process(["-c", "x = bytearray(90_000_000); print(4.5)"], {}, tmp_path)
    assert done.peak > 90_000_000
    assert done.printed_seconds() == 4.5
    with pytest.raises(MeasureError, match="no such thing"):
        run_process(["-c", "raise SystemExit('no such thing')"], {}, tmp_path)
    with pytest.raises(MeasureError, match="no seconds"):
        run_process(["-c", "print('done')"], {}, tmp_path).printed_seconds()


def test_table_has_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--messages", "400", "--lock-bytes", "1000000", "--best-of", "1"]
    code = run.main([*options, "--folder", str(tmp_path)])
    table = [text for text in capsys.readouterr().out.splitlines() if text.startswith("| ")][1:]
    assert code == 0, table
    assert len(table) == len(ROWS) + 1
    assert {text.count("|") for text in table} == {run.HEAD.count("|")}
    assert [text for text in table if text.startswith("| memory |")] == [table[-1]]
    assert list(tmp_path.iterdir()) == []


def test_row_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(bench: Bench) -> Row:
        bench.process("-m", "hermes_repair", "no-such-command")
        raise AssertionError

    monkeypatch.setattr(run, "ROWS", (missing,))
    bench = Bench(tmp_path, tmp_path, tmp_path, tmp_path, 1)
    assert run.measure(bench, ["another"]) == ([], [])
    measured, failures = run.measure(bench, ["missing"])
    assert measured == []
    assert "| missing | FAILED |" in failures[0]
    assert "no-such-command" in failures[0]
