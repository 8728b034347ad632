"""What SQLite says of a file, told apart by what it is about: tables, indexes, the search index."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.store.connections import open_immutable, open_joined
from hermes_repair.store.integrity import LIVE_BYTES_PER_SECOND, Soundness, soundness
from hermes_repair.store.look import LIVE_SECONDS_DELETE, LIVE_SECONDS_WAL, Look, View
from tests.cli.speaking import say
from tests.command import Ran
from tests.engine.neighbours import READER, neighbour
from tests.engine.pages import Pages
from tests.homes.folders import new_folder
from tests.homes.home import execute_all, new_home, opened
from tests.homes.small import add_session
from tests.in_process import look
from tests.other_sqlite import LIBRARIES, run_over
from tests.releases import run_release


@cache
def database_of_large() -> bytes:
    """Return the database of a home whose trees have inner pages; some pages are free."""
    with new_folder() as folder:
        home = folder / "home"
        with new_home(home, 14) as db:
            for number in range(60):
                words = [(("user", "assistant")[n % 2], f"{n} " * 300, n / 100) for n in range(12)]
                add_session(db, f"chat-{number:03}", words)
        execute_all(
            home,
            "DELETE FROM messages WHERE session_id >= 'chat-050'",
            "DELETE FROM sessions WHERE id >= 'chat-050'",
        )
        return (home / "state.db").read_bytes()


@pytest.fixture
def large(home: Path) -> Path:
    """Return a home with that database and nothing else, in which nothing is found."""
    shutil.rmtree(home)
    (home / "sessions").mkdir(parents=True)
    (home / "state.db").write_bytes(database_of_large())
    return home


def doctor(library: str, home: Path, *words: str) -> Ran:
    """Run the doctor over a SQLite."""
    return run_over(library, "doctor", "--json", *words, home=home)


def found(said: Ran) -> dict[str, dict[str, Any]]:
    """Return the findings of a document by id, less what says only how old the schema is."""
    listed = said.document["findings"]
    return {one["id"]: one for one in listed if one["id"] != "SC001"}


def old_page_of_the_index(home: Path) -> None:
    before = Pages(home)
    leaf = before.leaf("idx_messages_session", 1)
    with opened(home) as db:
        db.execute("UPDATE messages SET timestamp = timestamp + 1 WHERE session_id < 'chat-020'")
    after = Pages(home)
    after[leaf] = before[leaf]
    after.write()


def emptied(name: str) -> Callable[[Path], None]:
    def work(home: Path) -> None:
        pages = Pages(home)
        pages.empty(name)
        pages.write()

    return work


def torn(name: str) -> Callable[[Path], None]:
    def work(home: Path) -> None:
        pages = Pages(home)
        pages.tear(pages.leaf(name, 1))
        pages.write()

    return work


def root_torn(name: str) -> Callable[[Path], None]:
    def work(home: Path) -> None:
        pages = Pages(home)
        pages.tear(pages.roots[name])
        pages.write()

    return work


def swapped_rows(home: Path) -> None:
    """Two leaves of a table in each other's place: their ids are out of order."""
    pages = Pages(home)
    one, two = pages.leaf("messages", 1), pages.leaf("messages", 3)
    pages[one], pages[two] = pages[two], pages[one]
    pages.write()


def free_and_used(home: Path) -> None:
    pages = Pages(home)
    pages.free(pages.leaf("messages", 2))
    pages.write()


def two_tables_claim(home: Path) -> None:
    """A page of the search index leads to a page of the messages."""
    pages = Pages(home)
    root, leaf = pages.roots["messages_fts_content"], pages.leaf("messages", 1)
    content = bytearray(pages[root])
    at = int.from_bytes(content[12:14], "big")
    content[at : at + 4] = leaf.to_bytes(4, "big")
    pages[root] = bytes(content)
    pages.write()


def forgotten(home: Path) -> None:
    pages = Pages(home)
    pages.forget_free()
    pages.write()


DAMAGES: list[tuple[str, Callable[[Path], None], str, str]] = [
    ("index emptied", emptied("idx_messages_session"), "DB006", "error"),
    ("key emptied", emptied("sqlite_autoindex_sessions_1"), "DB006", "error"),
    ("unique index emptied", emptied("idx_sessions_title_unique"), "DB006", "error"),
    ("index page torn", torn("idx_messages_session"), "DB006", "error"),
    ("index root torn", root_torn("idx_messages_session"), "DB006", "error"),
    ("index page old", old_page_of_the_index, "DB006", "error"),
    ("table page torn", torn("messages"), "DB003", "fatal"),
    ("table pages swapped", swapped_rows, "DB003", "fatal"),
    ("page free and used", free_and_used, "DB003", "fatal"),
    ("page of two tables", two_tables_claim, "DB003", "fatal"),
    ("search page torn", torn("messages_fts_data"), "FT003", "error"),
    ("search root torn", root_torn("messages_fts_content"), "FT003", "error"),
    ("free pages forgotten", forgotten, "DB003", "info"),
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("damage", "id", "severity"),
    [pytest.param(*rest, id=name) for name, *rest in DAMAGES],
)
def test_damage_is_told_by_what_it_is_about(
    damage: Callable[[Path], None], id: str, severity: str, library: str, large: Path
) -> None:
    damage(large)
    said = doctor(library, large)
    named = found(said)
    # The search table that claims a page of another one is damaged itself.
    besides = {"FT003"} if damage is two_tables_claim else set()
    assert {key for key in named if key.startswith(("DB", "FT"))} == {id} | besides, said.out
    assert said.code == (0 if severity == "info" else 1)
    assert named[id]["severity"] == severity
    if id == "DB006":
        assert set(named) == {"DB006"}, "what reads through the index is not looked for"
        left_out = [one for one in said.document["looked_at"]["left_out"] if one["checks"]]
        assert len(left_out) == 1 and "TR001" in left_out[0]["checks"]
        assert "LK001" not in left_out[0]["checks"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_undamaged_file_is_checked_whole(library: str, large: Path) -> None:
    said = doctor(library, large)
    assert found(said) == {}
    document = said.document
    assert document["looked_at"]["file"] == "whole"
    assert document["looked_at"]["sessions"] == 50
    assert "search-index" in {one["what"] for one in document["looked_at"]["left_out"]}


def test_the_numbers_of_an_index(large: Path) -> None:
    with opened(large) as db:
        rows = db.execute("SELECT COUNT(*) FROM messages").fetchone()[0]
    emptied("idx_messages_session")(large)
    named = found(doctor("this SQLite", large))["DB006"]
    assert named["subject"] == {
        "kind": "index",
        "index": "idx_messages_session",
        "table": "messages",
    }
    wanted = {"rows": rows, "entries": 0, "missing": rows, "surplus": 0, "doubled": 0}
    assert named["data"] == wanted


def test_rows_that_only_the_index_has_are_no_reason_to_make_it_anew(large: Path) -> None:
    """An older page of the table came back: the index is what is left of the rows since."""
    before = Pages(large)
    with opened(large) as db:
        db.execute("DELETE FROM messages WHERE session_id = 'chat-001'")
    after = Pages(large)
    leaf = after.leaf("idx_messages_session", 0)
    assert before[leaf] != after[leaf]
    after[leaf] = before[leaf]
    after.write()
    named = found(doctor("this SQLite", large))["DB006"]
    assert named["data"]["surplus"] == 12
    assert "REINDEX" not in named["hint"] and "backup list" in named["hint"]


def test_the_index_is_made_anew_from_its_table(
    large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emptied("idx_messages_session")(large)
    assert found(doctor("this SQLite", large))["DB006"]["repair"] == "safe"
    said = say(capsys, "repair", "--select", "DB006", "--yes", "--home", large)
    assert said.code == 0, said
    # The pages that the index had before are nobody's until a VACUUM, which harms nothing.
    left = doctor("this SQLite", large)
    assert left.code == 0 and [one["severity"] for one in found(left).values()] == ["info"]


def test_nothing_but_the_index_is_planned_before_it_is_made_anew(
    large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emptied("idx_messages_session")(large)
    said = say(capsys, "repair", "--json", "--dry-run", "--home", large)
    named = [step["findings"] for step in said.document["plan"]["actions"]]
    assert said.code == 0 and named == [["DB006"]]


@pytest.mark.parametrize("command", [["backfill"], ["migrate", "--to", "16"]])
def test_nothing_is_planned_through_it(
    command: list[str], large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emptied("idx_messages_session")(large)
    before = (large / "state.db").read_bytes()
    for how in ("--dry-run", "--yes"):
        said = say(capsys, *command, how, "--home", large)
        assert said.code == 4 and "DB006: The index idx_messages_session" in said.err, said
    assert (large / "state.db").read_bytes() == before


@pytest.mark.parametrize("command", [["tree"], ["forks"], ["backfill", "--report"]], ids=" ".join)
def test_nothing_is_shown_through_it(
    command: list[str], large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, *command, "--home", large).code == 0
    emptied("idx_messages_session")(large)
    said = say(capsys, *command, "--home", large)
    assert said.code == 4 and "DB006: The index idx_messages_session" in said.err


def test_an_undo_is_not_looked_up_through_it(
    home: Path, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    emptied("sqlite_autoindex_sessions_1")(home)
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "DB006: The index sqlite_autoindex_sessions_1" in said.err


def test_a_copy_with_such_an_index_is_no_good_one(
    large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emptied("idx_messages_session")(large)
    said = say(capsys, "backup", "--json", "--home", large)
    assert said.code == 4
    assert said.document["damage"][0].startswith("The index idx_messages_session of messages lacks")
    assert "damaged" in said.document["backup"]["name"]


@pytest.mark.parametrize("words", [["--select", "MS"], ["--ignore", "DB003"]], ids=" ".join)
def test_it_is_asked_whatever_was_selected(words: list[str], large: Path) -> None:
    with opened(large) as db:
        db.execute("UPDATE sessions SET message_count = 99 WHERE id = 'chat-003'")
    assert set(found(doctor("this SQLite", large, *words))) == {"MS002"}
    emptied("idx_messages_session")(large)
    said = doctor("this SQLite", large, *words)
    assert "MS002" not in found(said), "the counts are read through the index"
    assert said.document["looked_at"]["left_out"]


def test_only_who_names_the_checks_of_the_file_leaves_them_out(large: Path) -> None:
    said = doctor("this SQLite", large, "--ignore", "DB003,DB006")
    assert said.document["looked_at"]["file"] == "not"
    assert "file" in {one["what"] for one in said.document["looked_at"]["left_out"]}


def test_the_lock_table_is_asked_for_itself(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emptied("idx_messages_session")(home)
    said = say(capsys, "locks", "clean", "--json", "--home", home)
    assert said.code == 0 and len(said.document["freed"]) == 1


def test_no_lock_is_freed_through_its_own_index(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emptied("idx_compression_locks_expires")(home)
    said = say(capsys, "locks", "clean", "--home", home)
    assert said.code == 4 and "DB006: The index idx_compression_locks_expires" in said.err
    with opened(home) as db:
        assert db.execute("SELECT COUNT(*) FROM compression_locks NOT INDEXED").fetchone() == (1,)


# --- Beside others ------------------------------------------------------------------------------


def beside(home: Path, limit: float) -> Soundness:
    """Return what a live look finds."""
    with closing(open_joined(home / "state.db")) as connection:
        return soundness(
            Look(connection, View.LIVE, home / "state.db", limit), at_least=["compression_locks"]
        )


def test_beside_others_each_table_is_asked(large: Path) -> None:
    emptied("idx_messages_session")(large)
    with opened(large) as db:
        db.execute("SELECT COUNT(*) FROM sessions").fetchone()
        seen = beside(large, LIVE_SECONDS_WAL)
    assert [one.index for one in seen.disagreeing] == ["idx_messages_session"]
    assert seen.unchecked == () and seen.pages_unchecked


def test_beside_others_a_large_file_is_not_begun(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hermes_repair.store.integrity.LIVE_BYTES_PER_SECOND", 1000)
    emptied("idx_messages_session")(large)
    with opened(large) as db:
        db.execute("SELECT COUNT(*) FROM sessions").fetchone()
        seen = beside(large, LIVE_SECONDS_DELETE)
    assert seen.sound and "messages" in seen.unchecked
    assert "compression_locks" not in seen.unchecked
    assert LIVE_BYTES_PER_SECOND > 1 << 20


def test_what_was_not_checked_beside_others_is_said(
    large: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hermes_repair.store.integrity.LIVE_BYTES_PER_SECOND", 1000)
    with neighbour(READER, large / "state.db"):
        seen = look(large, environment)
    assert seen.live and seen.looked_at.file == "part"
    assert {"file", "pages"} <= {one.what for one in seen.looked_at.left_out}
    assert any("takes too long" in note for note in seen.notes)


# --- The search index on another SQLite ----------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_search_table_that_cannot_be_opened_keeps_nothing_from_being_asked(
    library: str, large: Path
) -> None:
    """Without its structure record no program opens the table ("vtable constructor failed")."""
    with opened(large) as db:
        db.execute("DELETE FROM messages_fts_data WHERE id = 10")
    emptied("idx_messages_session")(large)
    assert set(found(doctor(library, large))) == {"DB006", "FT003"}


PICTURE = """
from hermes_state import SessionDB
db = SessionDB()
db.create_session("birds", source="cli")
picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
db.append_message("birds", "user", [{"type": "text", "text": "Which bird is that?"}, picture])
db.append_message("birds", "assistant", "A grey heron.")
db.close()
"""


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("release", ["0.13.0", "0.16.0", "0.19.0"])
def test_a_picture_is_no_damage(release: str, library: str, tmp_path: Path) -> None:
    """Hermes keeps its message with a NUL, and another SQLite calls the index malformed."""
    home = tmp_path / "home"
    home.mkdir()
    run_release(release, PICTURE, home)
    with opened(home) as db:
        assert db.execute("SELECT SUM(instr(content, char(0))) FROM messages").fetchone()[0]
    said = doctor(library, home)
    assert said.code == 0 and found(said) == {}
    assert said.document["looked_at"]["file"] == "whole"


def test_looking_leaves_no_function_or_permission_behind(large: Path) -> None:
    with closing(open_immutable(large / "state.db")) as connection:
        seen = Look(connection, View.MAIN, large / "state.db")
        assert soundness(seen) == Soundness()
        row = seen.one("SELECT COUNT(*) FROM messages_fts_content WHERE c0 <> ''")
        assert row == (600,)
