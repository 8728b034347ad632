"""``salvage``: what a person is told of a damaged home, and what is written only when it is asked.

The sentences are held here as a person reads them.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hermes_repair import host
from hermes_repair.app import salvage as salvage_app
from hermes_repair.app.salvage import Reading, reading
from hermes_repair.model.errors import Changed, HermesRepairError
from hermes_repair.salvage import Bundle, NoPages
from sample_data.build import build
from tests.cli.speaking import assert_document, process_environ, say
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import files
from tests.homes.damage import newer_main_older_wal
from tests.homes.database import connect
from tests.homes.home import opened
from tests.homes.small import small_home
from tests.salvage.stores import Store, life

Capture = pytest.CaptureFixture[str]
VERDICT = "33 of 66 messages can be read; 33 are lost: ids 1-6, 8-34."


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return the sample home with a page of messages gone."""
    return build("broken", tmp_path / "broken", time.time())


def test_it_says_first_what_can_be_read_and_writes_nothing(broken: Path, capsys: Capture) -> None:
    before = files(broken)
    said = say(capsys, "salvage", "--home", broken)
    assert said.code == 4 and said.err == ""
    heading, verdict, *rest = said.out.splitlines()
    assert heading == f"Hermes home {broken}, profile default, database state.db"
    assert verdict == VERDICT
    assert "11 sessions can be read." in rest
    lost = "  20260519_121500_5d0a77e1: 0 of 9 messages can be read, lost: ids 1-5, 16-17, 20-21"
    assert lost in rest
    assert "Nothing was written." in rest[-1]
    assert files(broken) == before


def test_out_writes_the_database_with_its_ledger(
    broken: Path, tmp_path: Path, capsys: Capture
) -> None:
    before, out = files(broken), tmp_path / "out" / "new.db"
    out.parent.mkdir()
    said = say(capsys, "salvage", "--home", broken, "--out", out)
    assert said.code == 4 and said.out.splitlines()[1] == VERDICT
    assert f"Written and verified: {out} (" in said.out
    assert "has the text of 33 messages that are lost: kept in a side file" in said.out
    assert files(broken) == before
    assert {path.name: path.stat().st_mode & 0o777 for path in out.parent.iterdir()} == {
        "new.db": 0o600, "new.db.ledger.json": 0o600, "new.db.unassigned.db": 0o600,
    }  # fmt: skip
    with closing(connect(out)) as db:
        assert db.execute("SELECT COUNT(*) FROM messages").fetchone() == (33,)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(connect(out.with_name("new.db.unassigned.db"))) as db:
        texts = db.execute(
            "SELECT COUNT(*) FROM kept_rows AS r JOIN kept_values AS v ON v.row_id = r.id"
            " WHERE r.source = 'messages' AND v.column_name = 'text' AND v.value > ''"
        )
        assert texts.fetchone() == (33,)


def test_the_documents(broken: Path, tmp_path: Path, capsys: Capture) -> None:
    look = say(capsys, "salvage", "--home", broken, "--json")
    assert look.code == 4 and look.err == ""
    assert_document("salvage", look.document)
    assert look.document["written"] is None
    out = tmp_path / "new.db"
    done = say(capsys, "salvage", "--home", broken, "--out", out, "--deleted", "--json")
    assert done.code == 4 and done.err == ""
    assert_document("salvage", done.document)
    assert done.document["written"]["path"] == str(out)
    ledger = json.loads(Path(done.document["written"]["ledger"]).read_text(encoding="utf-8"))
    assert_document("salvage-ledger", ledger)
    assert ledger == done.document["salvage"]
    (messages,) = [table for table in ledger["tables"] if table["name"] == "messages"]
    assert (messages["read"], messages["lost_rows"]) == (33, 33)
    assert messages["lost"] == [[1, 6], [8, 34]]


def test_no_text_and_no_title_is_said(broken: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "new.db"
    said = say(capsys, "salvage", "--home", broken, "--out", out, "-v").sentences()
    said += say(capsys, "salvage", "--home", broken, "--json").out
    said += out.with_name("new.db.ledger.json").read_text(encoding="utf-8")
    with closing(connect(out)) as db:
        texts = [str(row[0]) for row in db.execute("SELECT content FROM messages")]
        titles = [str(row[0]) for row in db.execute("SELECT title FROM sessions WHERE title > ''")]
    assert len(titles) > 3
    private = [text for text in (*texts, *titles) if len(text) > 8]
    assert not [text for text in private if text in said or json.dumps(text)[1:-1] in said]


def test_a_foreign_key_of_somebody_else_that_sqlite_cannot_check(
    broken: Path, tmp_path: Path, capsys: Capture
) -> None:
    with closing(connect(broken / "state.db")) as db:
        db.execute("CREATE TABLE of_somebody (said REFERENCES messages(content))")
        db.execute("INSERT INTO of_somebody VALUES ('x')")
        db.commit()
    out = tmp_path / "out.db"
    said = say(capsys, "salvage", "--home", broken, "--out", out)
    assert said.code == 4 and f"Written and verified: {out}" in said.out, said
    with closing(connect(out)) as db:
        assert db.execute("SELECT said FROM of_somebody").fetchall() == [("x",)]


def test_of_a_sound_home_everything_can_be_read(tmp_path: Path, capsys: Capture) -> None:
    home = build("healthy", tmp_path / "healthy", time.time())
    said = say(capsys, "salvage", "--home", home, "-q")
    assert said.code == 0
    assert said.out == "Everything can be read: 66 messages and 11 sessions.\n"


def test_a_first_page_of_zeros(tmp_path: Path, capsys: Capture) -> None:
    """What no SQLite opens: the names of the tables are gone from its root."""
    home = build("healthy", tmp_path / "healthy", time.time())
    with (home / "state.db").open("r+b") as file:
        file.write(bytes(4096))
    said = say(capsys, "salvage", "--home", home, "--out", tmp_path / "new.db")
    with closing(connect(tmp_path / "new.db")) as db:
        assert db.execute("SELECT COUNT(*) FROM messages").fetchone() == (66,)
        assert db.execute("SELECT COUNT(*) FROM sessions").fetchone() == (11,)
    assert said.code == 4 and "66 messages can be read." in said.out
    assert "1 page holds nothing readable: rows may be missing that nothing names." in said.out
    assert (
        "The list of tables on page 1 is damaged, so nothing proves that this is all." in said.out
    )
    assert "Note: page 1 is no header" in said.out


@pytest.mark.parametrize("end", ["", ".ledger.json", ".unassigned.db", ".deleted.db"])
def test_nothing_is_written_over(end: str, broken: Path, tmp_path: Path, capsys: Capture) -> None:
    mine = tmp_path / f"new.db{end}"
    mine.write_text("mine", encoding="utf-8")
    said = say(capsys, "salvage", "--home", broken, "--out", tmp_path / "new.db")
    assert said.code == 4
    assert said.err.startswith(f"{mine} is there already.\nNothing was written.")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert {path for path in tmp_path.iterdir() if path.is_file()} == {mine}


@pytest.mark.parametrize("end", ["", ".unassigned.db", ".deleted.db"])
@pytest.mark.parametrize("side", ["-wal", "-shm", "-journal"])
def test_what_is_left_of_an_older_file_of_that_name(
    end: str, side: str, broken: Path, tmp_path: Path, capsys: Capture
) -> None:
    """SQLite would roll a journal back into the new database at its first opening."""
    left = tmp_path / f"new.db{end}{side}"
    left.write_bytes(b"older")
    said = say(capsys, "salvage", "--home", broken, "--out", tmp_path / "new.db")
    assert said.code == 4
    assert said.err.startswith(f"{left} is left of an older database, and SQLite would play it")
    assert "Nothing was written. Name another file, or move that one away." in said.err
    assert left.read_bytes() == b"older"
    assert {path for path in tmp_path.iterdir() if path.is_file()} == {left}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("state.db-wal", "SQLite would take state.db-wal for what belongs to another file."),
        ("gone/new.db", "gone is no folder."),
    ],
)
def test_a_place_that_will_not_do(
    name: str, sentence: str, broken: Path, tmp_path: Path, capsys: Capture
) -> None:
    before = files(tmp_path)
    said = say(capsys, "salvage", "--home", broken, "--out", tmp_path / name)
    assert said.code == 4 and sentence in said.err
    assert files(tmp_path) == before


def test_deleted_needs_a_file(broken: Path, capsys: Capture) -> None:
    said = say(capsys, "salvage", "--home", broken, "--deleted")
    assert said.code == 2 and "--deleted needs --out FILE" in said.err


def test_a_full_disk_is_known_before(
    broken: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "free_bytes", lambda _: 1000)
    before = files(tmp_path)
    said = say(capsys, "salvage", "--home", broken, "--out", tmp_path / "new.db")
    assert said.code == 4 and "1,000 are free.\nNothing was written." in said.err
    assert files(tmp_path) == before


def test_while_somebody_has_it_open(home: Path, tmp_path: Path, capsys: Capture) -> None:
    with neighbour(READER, home / "state.db"):
        said = say(capsys, "salvage", "--home", home, "--out", tmp_path / "new.db")
    assert said.code == 4 and "has the database open" in said.err
    assert not (tmp_path / "new.db").exists()


def test_without_a_message_there_is_nothing_to_salvage(home: Path, capsys: Capture) -> None:
    shutil.rmtree(home / "sessions")
    (home / "state.db").write_bytes(bytes(1 << 16))
    said = say(capsys, "salvage", "--home", home)
    assert said.code == 4 and said.out == "", said
    (home / "state.db").write_bytes(b"")
    assert say(capsys, "salvage", "--home", home).code == 4


def test_only_the_user_knows_of_a_wal_that_may_be_of_another_state(
    tmp_path: Path, capsys: Capture
) -> None:
    home = small_home(tmp_path / "home")
    newer_main_older_wal(home)
    said = say(capsys, "salvage", "--home", home)
    assert said.code == 4 and "DB002" in said.err and "salvage --home" in said.err
    read = {}
    for choice in ("use", "ignore"):
        document = say(capsys, "salvage", "--home", home, "--wal", choice, "--json").document
        (messages,) = [t for t in document["salvage"]["tables"] if t["name"] == "messages"]
        read[choice] = (messages["read"], "wal" in messages["by_origin"])
    assert read["ignore"] == (read["use"][0] + 1, False) and read["use"][1]


def test_a_wal_that_damages_a_sound_database_is_laid_over_it_only_on_a_word(
    tmp_path: Path, capsys: Capture
) -> None:
    """One of another database: laid over, it takes the chats away that are there."""
    home = small_home(tmp_path / "home")
    store = Store(("22",), sessions=6, longest=600)
    (home / "state.db").write_bytes(life(store).before)
    (home / "state.db-wal").write_bytes(life(replace(store, seed=9)).wal)
    before = content_of(home)
    for words in ((), ("--out", tmp_path / "new.db"), ("--install", "--yes")):
        said = say(capsys, "salvage", "--home", home, *words)
        assert said.code == 4 and "DB002" in said.err and "--wal ignore" in said.err
    assert content_of(home) == before and not (tmp_path / "new.db").exists()
    assert say(capsys, "salvage", "--home", home, "--wal", "ignore").code == 0


def content_of(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.glob("state.db*")}


def test_a_wal_of_another_state_is_left_out(tmp_path: Path, capsys: Capture) -> None:
    home = small_home(tmp_path / "home")
    newer_main_older_wal(home)
    wal = (home / "state.db-wal").read_bytes()
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id > 3")
        db.execute("VACUUM")
    with (home / "state.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(4096))
    (home / "state.db-wal").write_bytes(wal)
    said = say(capsys, "salvage", "--home", home, "--json")
    notes = {note["name"]: note["words"] for note in said.document["salvage"]["notes"]}
    assert notes["wal_of_another_state"].startswith("the -wal was left out, because ")


# --- The process --------------------------------------------------------------------------------


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess):  # one that another test has not waited for
            found += [child] if salvage_app.MODULE in " ".join(child.cmdline()) else []
    return found


def test_a_process_that_is_killed_leaves_nothing(broken: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()

    def tell(sentence: str) -> None:
        if sentence == "Writing messages.":
            (child,) = children()
            child.send_signal(signal.SIGKILL)

    with reading(Bundle.beside(broken / "state.db"), tell, 0.0) as found:
        assert isinstance(found, Reading)
        with pytest.raises(HermesRepairError, match="ended with signal SIGKILL"):
            found.make(place / "new.db")
    assert list(place.iterdir()) == [] and not children()


def test_it_ends_with_the_one_who_asked(broken: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", salvage_app.MODULE],
        env=process_environ(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
    )
    assert process.stdin is not None and process.stdout is not None
    order = {"read": {"main": str(broken / "state.db")}, "now": 0, "notes": []}
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    while "ledger" not in json.loads(process.stdout.readline()):
        pass
    process.stdin.close()
    assert process.wait(timeout=20) == 1
    process.stdout.close()


def test_what_it_makes_goes_with_the_one_who_asked(broken: Path, tmp_path: Path) -> None:
    """A parent that is killed cannot clean up after itself."""
    place = tmp_path / "place"
    place.mkdir()
    asked = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from hermes_repair.app.salvage import reading\n"
        "from hermes_repair.salvage import Bundle\n"
        "def tell(said):\n"
        "    if said == 'Writing messages.':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "with reading(Bundle.beside(Path(sys.argv[1])), tell, 0.0) as found:\n"
        "    found.make(Path(sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, broken / "state.db", place / "new.db"],
        env=process_environ(tmp_path),
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    end = time.monotonic() + 20
    while list(place.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(place.iterdir()) == []


def test_files_that_change_meanwhile_get_no_name(broken: Path, tmp_path: Path) -> None:
    def changed() -> None:
        raise Changed("The database changed.")

    place = tmp_path / "place"
    place.mkdir()
    opened = reading(Bundle.beside(broken / "state.db"), lambda _: None, 0.0, changed)
    with opened as found, pytest.raises(Changed, match=r"The database changed\."):
        found.make(place / "new.db")
    assert list(place.iterdir()) == []


def test_what_the_process_meets_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(NoPages), reading(Bundle(tmp_path / "gone"), lambda _: None, 0.0):
        pass
    with (
        pytest.raises(OSError, match=str(tmp_path)),
        reading(Bundle(tmp_path), lambda _: None, 0.0),
    ):
        pass
    with closing(connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE t (x)")
    with (
        pytest.raises(NoPages, match="No message and no session"),
        reading(Bundle(tmp_path / "other.db"), lambda _: None, 0.0),
    ):
        pass
