"""Sessions by the beginning of their id: one that is meant, several, none, and a whole id."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.session_ids import offered, whole_ids
from hermes_repair.home.layout import open_home
from tests.cli.speaking import say
from tests.homes.content import fingerprint
from tests.homes.home import changing, opened
from tests.homes.small import COUNTED, FRONT, ONLY, ORPHAN, SECRET
from tests.in_process import fixed_environment

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(home: Path) -> Run:
    return Run(open_home(home), fixed_environment(home.parent))


@pytest.mark.parametrize(
    ("words", "session"),
    [
        (["tree", ORPHAN[:8]], ORPHAN),
        (["repair", "--dry-run", "--session", ORPHAN[:9]], ORPHAN),
        (["backfill", "--dry-run", FRONT[:8]], FRONT),
        (["backfill", "--report", FRONT[:8]], FRONT),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_beginning_of_an_id(
    words: list[str], session: str, home: Path, capsys: Capture
) -> None:
    before = fingerprint(home)
    by_beginning = say(capsys, *words, "--json", "--home", home)
    assert fingerprint(home) == before
    whole = [session if session.startswith(word) else word for word in words]
    by_id = say(capsys, *whole, "--json", "--home", home)
    assert by_beginning.code == by_id.code == 0 and session in by_id.out
    one, other = by_beginning.document, by_id.document
    for said in (one, other):
        said.pop("space", None)  # what is free of the disk
    assert one == other


def test_the_beginning_of_several_is_none_of_them(home: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--yes", "--session", "2026060", "--home", home)
    assert said.code == 2 and "is the beginning of several sessions: " in said.err
    assert "Type more of the id." in said.err
    assert not (home / "hermes-repair").exists()


def test_what_begins_none_stays_as_it_was_typed(home: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--dry-run", "--session", "nobody", "--home", home)
    assert said.code == 2 and "There is no session 'nobody' here" in said.err
    assert say(capsys, "tree", "202", "--home", home).code == 2, "too short to mean anything"


def test_an_id_is_always_itself(home: Path, run: Run) -> None:
    """Also one of which only messages are left: another session that begins so is not meant."""
    with changing(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'x', 1.0)",
            (ORPHAN[:12],),
        )
    assert whole_ids(run, {ORPHAN[:12]}) == {ORPHAN[:12]}
    assert whole_ids(run, {ORPHAN[:11], COUNTED}) == {ORPHAN, COUNTED}
    assert whole_ids(run, set()) == frozenset()


def test_where_nothing_can_be_read(home: Path, run: Run) -> None:
    (home / "state.db").write_bytes(b"no database at all")
    assert whole_ids(run, {ORPHAN[:12]}) == {ORPHAN[:12]}
    assert offered(run, "2026") == []


def test_what_a_shell_is_offered(home: Path, run: Run) -> None:
    (home / "sessions" / f"{ONLY}.jsonl").write_text('{"role": "user", "content": "x"}\n')
    with opened(home) as db:
        for odd in ("2026 two words", "2026\x1b[31m"):
            row = (odd, "cli", 1.0)
            db.execute("INSERT INTO sessions (id, source, started_at) VALUES (?, ?, ?)", row)
    before = fingerprint(home)
    found = dict(offered(run, "2026"))
    assert fingerprint(home) == before
    assert found[ORPHAN] == "2026-06-03, telegram, 3 messages" and found[ONLY] == "only in a file"
    assert SECRET not in str(found) and not any(" " in id or "\x1b" in id for id in found)
    assert dict(offered(run, ORPHAN[:9])) == {ORPHAN: found[ORPHAN]}
