"""What other profiles have: who uses them is asked of all at once, and asked again in doubt."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.evidence import opened_copies, sessions_elsewhere
from hermes_repair.host import OpenStatus, ProcessInfo, byte_reader, survey
from tests.homes import damage
from tests.homes.home import execute, new_home
from tests.homes.small import add_session
from tests.in_process import fixed_environment, ids, look


def _family(root: Path, profiles: int) -> Path:
    """Make a home with a closed chat, and profiles that have the same chat, one message longer."""
    for number in range(profiles + 1):
        place = root / "profiles" / f"p{number}" if number else root
        with new_home(place, 14) as db:
            said = [("user", "hello", 1.0), ("assistant", "good day", 1.1), ("user", "on", 1.2)]
            add_session(db, "20260601_080000_aaaaaaaa", said if number else said[:2])
    execute(root, "UPDATE sessions SET ended_at = 2e9, end_reason = 'compression'")
    return root


def _questions(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    asked: list[Sequence[str]] = []
    ask = byte_reader._ask

    def noting(arguments: Sequence[str], seconds: float | None) -> Any:
        asked.append(arguments)
        return ask(arguments, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(byte_reader, "_ask", noting)
        work()
    return sum(arguments[0] == "look" for arguments in asked)


def test_a_look_asks_no_more_often_where_there_are_more_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = fixed_environment(tmp_path)
    roots = [_family(tmp_path / str(number), number) for number in (1, 5)]
    few, many = (_questions(monkeypatch, partial(look, root, environment)) for root in roots)
    assert few == many
    found = [look(root, environment) for root in roots]
    assert [ids(each).count("GW007") for each in found] == [1, 5]
    ahead = [f.data for f in found[1].findings if f.id == "GW007"]
    assert {(one["profile"], one["ahead_there"]) for one in ahead} == {
        (f"p{number}", 1) for number in range(1, 6)
    }


def test_a_survey_counts_until_somebody_writes(tmp_path: Path) -> None:
    root = _family(tmp_path, 1)
    other = root / "profiles" / "p1"
    seen = survey(other / "state.db")
    assert opened_copies.as_surveyed(seen)
    with closing(sqlite3.connect(other / "state.db")) as db:
        db.execute("SELECT COUNT(*) FROM sessions").fetchall()
        assert not opened_copies.as_surveyed(seen), "its -wal has appeared"
        beside = survey(other / "state.db")
        db.execute("UPDATE sessions SET title = 'new'")
        db.commit()
        assert not opened_copies.as_surveyed(beside)


def test_what_is_read_while_somebody_begins_to_write_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _family(tmp_path, 1)
    other = root / "profiles" / "p1" / "state.db"
    surveyed: list[object] = []
    plain = opened_copies.look_at

    with ExitStack() as writing:

        def disturbed(copy: Any, known: Any = None) -> Any:
            surveyed.append(known)
            if known is not None:
                db = writing.enter_context(closing(sqlite3.connect(other)))
                db.execute("UPDATE messages SET timestamp = timestamp + 1")
                db.commit()
            return plain(copy, known)

        monkeypatch.setattr(sessions_elsewhere, "look_at", disturbed)
        assert "GW007" in ids(look(root, fixed_environment(tmp_path)))
    assert surveyed[0] is not None


def test_a_process_that_ended_without_a_trace_is_asked_about_again(tmp_path: Path) -> None:
    root = _family(tmp_path, 1)
    other = root / "profiles" / "p1"
    damage.crashed(other)
    facts, openers = survey(other / "state.db")
    gone = replace(openers, status=OpenStatus.SOMEBODY, processes=(ProcessInfo(pid=2**22 + 1),))
    assert opened_copies.as_surveyed((facts, openers))
    assert not opened_copies.as_surveyed((facts, gone))
