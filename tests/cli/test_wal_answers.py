"""``repair --wal use|ignore``: what ``history`` says of it, and that ``undo`` does not pretend."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.records import plan_database
from tests.cli.speaking import assert_document, say
from tests.homes.content import rows
from tests.homes.damage import newer_main_older_wal
from tests.homes.home import opened

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("choice", ["use", "ignore"])
def test_an_answer_alone(choice: str, home: Path, capsys: Capture) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    newer_main_older_wal(home)
    was = {side: (home / f"state.db{side}").read_bytes() for side in ("", "-wal")}
    assert say(capsys, "repair", "--yes", "--home", home).code == 4
    said = say(capsys, "repair", "--wal", choice, "--yes", "--home", home)
    assert said.code == 0 and "both files as they were are in" in said.out
    with opened(home) as db:
        texts = {row[0] for row in db.execute("SELECT content FROM messages")}
    assert ("later" in texts) is (choice == "ignore")

    (newest, _) = say(capsys, "history", "--home", home).out.splitlines()[1:]
    assert newest.startswith("0002-") and f"repair --wal {choice}: done" in newest
    document = say(capsys, "history", "--home", home, "--json").document
    assert_document("history", document)
    entry, first = document["history"]
    assert entry["state"] == "done" and entry["can_be_undone"] is False
    assert document["next_to_undo"] is None
    kept = home / "hermes-repair" / Path(entry["backup"]).parent
    assert {side: (kept / f"state.db{side}").read_bytes() for side in was} == was
    (listed,) = say(capsys, "backup", "list", "--home", home, "--json").document["backups"]
    assert listed["name"] == entry["id"] and listed["for_receipt"]

    before = rows(home / "state.db")
    for words in (["undo"], ["undo", "2"]):
        said = say(capsys, *words, "--yes", "--home", home)
        assert said.code == 4 and str(kept) in said.err
        assert "`undo` does not revert that" in said.err
        assert f"undo --home {home} RECEIPT" in said.err
        assert rows(home / "state.db") == before
    # The run before it can still be named.
    undone = say(capsys, "undo", first["id"], "--yes", "--home", home, "--json")
    assert undone.code == 0 and undone.document["undone"] == [first["id"]]
    assert say(capsys, "undo", "--yes", "--home", home).code == 4


def test_an_answer_and_a_repair(home: Path, capsys: Capture) -> None:
    """Each has its receipt; the repair is taken back, the answer is not."""
    newer_main_older_wal(home)
    done = say(capsys, "repair", "--wal", "ignore", "--yes", "--home", home, "--json")
    assert done.code == 0 and done.document["receipt"]["units"] == 4
    undone = say(capsys, "undo", "--yes", "--home", home, "--json").document["undone"]
    assert undone == [done.document["receipt"]["id"]]
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "The -wal was set aside by 0001-" in said.err
    assert "undo RECEIPT" not in said.err, "there is no earlier run"


def test_an_answer_that_was_cut_off(home: Path, capsys: Capture) -> None:
    newer_main_older_wal(home)
    say(capsys, "repair", "--wal", "use", "--yes", "--select", "DB", "--home", home)
    (path,) = (home / "hermes-repair" / "receipts").iterdir()
    with plan_database.edit(path) as receipt:
        receipt.set_header(closed=None)
    found = say(capsys, "doctor", "--select", "RP", "--home", home, "--json").document["findings"]
    assert [finding["id"] for finding in found] == ["RP001"]
    said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code == 0 and "was interrupted while it dealt with a -wal" in said.out
    assert say(capsys, "doctor", "--home", home).code == 0
