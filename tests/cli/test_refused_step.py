"""A step that is refused: what does not rest on it is done, and the report says what was not."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from tests.cli.speaking import assert_document, say
from tests.command import run
from tests.homes.home import opened
from tests.homes.small import COUNTED, FRONT, HEALTHY, NOW, ORPHAN
from tests.search.test_search_index import everything

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def full(home: Path) -> int:
    """Damage an index that takes more room than the disk has then; return the largest file."""
    letters = random.Random(1)
    texts = (
        " ".join("".join(letters.choices(string.ascii_lowercase, k=8)) for _ in range(400))
        for _ in range(30)
    )
    with opened(home) as db:
        db.executemany(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', ?, ?)",
            [(HEALTHY, text, NOW - 86400 + n) for n, text in enumerate(texts)],
        )
        db.execute("UPDATE sessions SET message_count = message_count + 30 WHERE id = ?", [HEALTHY])
        db.execute("DELETE FROM messages_fts_trigram")
        db.execute("INSERT INTO messages_fts_trigram(messages_fts_trigram) VALUES ('optimize')")
        db.execute("DELETE FROM messages_fts_trigram_data WHERE id = 10")
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")
    return (home / "state.db").stat().st_size + (400 << 10)


def test_the_rest_is_done_where_a_structural_step_is_refused(
    full: int, home: Path, capsys: Capture
) -> None:
    before = everything(home)
    said = run("repair", "--yes", "--select", "FT,MS002,LN", home=home, largest=full)
    assert said.code == 4, said
    assert said.out.count("Not done:") == 1
    assert "Not done: make messages_fts_trigram anew from the messages." in said.out
    with opened(home) as db:
        counted = db.execute("SELECT message_count FROM sessions WHERE id = ?", [COUNTED])
        assert counted.fetchone() == (2,)
    (undo,) = (line for line in said.out.splitlines() if line.startswith("To undo it: "))
    assert say(capsys, *undo.split("hermes-repair ")[1].split(), "--yes").code == 0
    assert everything(home) == before


def test_no_undo_is_named_where_nothing_was_done(full: int, home: Path) -> None:
    before = everything(home)
    for options in ([], ["--json"]):
        said = run("repair", "--yes", "--select", "FT", *options, home=home, largest=full)
        assert said.code == 4 and everything(home) == before, said
    assert_document("repair", said.document)
    assert said.document["receipt"]["units"] == 0 and len(said.document["refused"]) == 1
    said = run("repair", "--yes", "--select", "FT", home=home, largest=full)
    assert "Nothing was changed. Receipt 000" in said.out
    assert "To undo it" not in said.out and "Done:" not in said.out


def test_what_rests_on_a_refused_step_waits_for_it(home: Path, capsys: Capture) -> None:
    """No message can be stored, so the messages of one chat cannot come back."""
    with opened(home) as db:
        db.execute("DROP TABLE messages_fts_data")
        db.execute("UPDATE sessions SET parent_session_id = id WHERE id = ?", [FRONT])
    said = say(capsys, "repair", "--yes", "--select", "TR001,LN,MS002", "--home", home)
    assert said.code == 4, said
    words = said.sentences()
    assert words.count("Not done: bring back 4 messages") == 1
    assert FRONT in words.split("Waiting: ")[1] and "It comes after the step" in words
    with opened(home) as db:
        rows = dict(db.execute("SELECT id, parent_session_id FROM sessions"))
        (counted,) = db.execute("SELECT message_count FROM sessions WHERE id = ?", [COUNTED])
    assert rows[FRONT] == FRONT and rows[ORPHAN] is None and counted == (2,)
