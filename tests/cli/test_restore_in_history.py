"""A restore stands in the history, and says what it made impossible to undo by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_repair.app import backups as app
from hermes_repair.app.receipts import replaced
from hermes_repair.model.plans import Header
from hermes_repair.store import backup as store
from tests.cli.speaking import Said, assert_document, say
from tests.homes.content import content, without_sequence
from tests.homes.home import opened
from tests.homes.small import COUNTED

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, home: Path, *words: str, code: int = 0) -> Said:
    said = say(capsys, *words, "--home", home)
    assert said.code == code, said
    return said


def history(capsys: Capture, home: Path) -> list[dict[str, object]]:
    document = run(capsys, home, "history", "--json").document
    assert_document("history", document)
    return list(document["history"])


def backup(capsys: Capture, home: Path) -> str:
    return str(run(capsys, home, "backup", "--json").document["backup"]["name"])


def test_what_an_older_copy_replaced_cannot_be_undone(home: Path, capsys: Capture) -> None:
    before = without_sequence(content(home))
    copy = backup(capsys, home)
    run(capsys, home, "repair", "--yes")
    repaired = without_sequence(content(home))
    run(capsys, home, "restore", copy, "--yes")
    restored, repair = history(capsys, home)
    assert (restored["command"], restored["state"]) == ("restore", "done")
    assert copy in str(restored["restored"]) and restored["can_be_undone"] is False
    assert (repair["replaced_by"], repair["can_be_undone"]) == (restored["id"], False)
    out = run(capsys, home, "history").out
    assert f"replaced by {restored['id']}" in out and "undoes" not in out
    said = run(capsys, home, "undo", "1", "--yes", code=4)
    assert "restored a copy from before it" in said.err and str(restored["id"]) in said.err
    said = run(capsys, home, "undo", "--yes", code=4)
    assert "`undo` does not revert that" in said.err
    kept = next(p.name for p in (home / "hermes-repair" / "backups").glob("before-restore-*"))
    assert "hermes-repair restore" in said.err and kept in said.err
    assert without_sequence(content(home)) == before

    run(capsys, home, "restore", kept, "--yes")
    assert without_sequence(content(home)) == repaired
    newest, older, again = history(capsys, home)
    assert (newest["replaced_by"], older["replaced_by"]) == (None, newest["id"])
    assert again["can_be_undone"] is True, "what it did is there again"
    run(capsys, home, "undo", "1", "--yes")
    assert without_sequence(content(home)) == before


def test_what_a_copy_has_can_still_be_undone(home: Path, capsys: Capture) -> None:
    before = without_sequence(content(home))
    run(capsys, home, "repair", "--yes")
    copy = backup(capsys, home)
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE session_id = ?", (COUNTED,))
    run(capsys, home, "restore", copy, "--yes")
    _, repair = history(capsys, home)
    assert repair["can_be_undone"] is True and repair["replaced_by"] is None
    run(capsys, home, "undo", "1", "--yes")
    assert without_sequence(content(home)) == before


def test_the_backup_of_a_run_is_from_before_it(home: Path, capsys: Capture) -> None:
    run(capsys, home, "repair", "--yes", "--backup")
    (repair,) = history(capsys, home)
    run(capsys, home, "restore", str(repair["id"]), "--yes")
    newest, first = history(capsys, home)
    assert first["replaced_by"] == newest["id"]
    assert run(capsys, home, "repair", "--yes").out.count("Receipt 0003-") == 1
    run(capsys, home, "undo", "--yes")


def test_a_declined_or_refused_restore_leaves_no_trace(home: Path, capsys: Capture) -> None:
    run(capsys, home, "restore", "no-such-copy", "--yes", code=2)
    assert history(capsys, home) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_restore_that_was_killed_is_settled_by_the_file(
    when: str, home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is put back whole or not at all; which of the two, the next run reads and notes."""
    before = without_sequence(content(home))
    copy = backup(capsys, home)
    run(capsys, home, "repair", "--yes")
    real = store.put_back

    def killed(source: Path, path: Path, still: Callable[[], None]) -> None:
        if when == "after":
            real(source, path, still)
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "put_back", killed)
    run(capsys, home, "restore", copy, "--yes", code=130)
    monkeypatch.undo()
    found = run(capsys, home, "doctor", "--select", "RP", "--json", code=1).document["findings"]
    assert [finding["data"]["command"] for finding in found] == ["restore"]
    said = run(capsys, home, "undo", "1", "--yes", code=0 if when == "before" else 4)
    if when == "before":
        assert "it changed nothing" in said.out
    else:
        assert "restored a copy from before it" in said.err
    assert without_sequence(content(home)) == before


def receipt(number: int, created: float, copy_from: float | None = None) -> tuple[Path, Header]:
    command = "repair" if copy_from is None else "restore"
    header = Header("1", command, created, "", "", None, closed=created, restored_from=copy_from)
    return Path(f"{number:04d}"), header


def test_of_several_restores_the_newest_counts_first() -> None:
    one, two, three = receipt(1, 10.0), receipt(3, 30.0), receipt(5, 50.0)
    back_to_20, back_to_40 = receipt(4, 45.0, 20.0), receipt(6, 60.0, 40.0)
    assert replaced([two, one]) == {}
    assert replaced([back_to_20, two, one]) == {two[0]: back_to_20[0]}
    gone = replaced([back_to_40, three, back_to_20, two, one])
    assert gone == {three[0]: back_to_40[0], back_to_20[0]: back_to_40[0]}
