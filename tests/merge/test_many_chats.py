"""A merge of more chats than are read at a time, and a source that is looked at where it lies."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from hermes_repair.app import merge_into_home, merge_units, source_copies
from hermes_repair.app.environment import Run
from hermes_repair.app.merge_into_home import MergeRequest, Preview, preview
from hermes_repair.app.merge_sources import Place
from hermes_repair.app.merge_units import UnitMaker
from hermes_repair.home.layout import open_home
from hermes_repair.merging.verdicts_of_chats import ChatVerdict
from hermes_repair.model.plans import Unit
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import soundness
from tests.homes.content import files
from tests.homes.home import new_home, opened
from tests.homes.small import add_session
from tests.in_process import fixed_environment
from tests.merge.homes import merge

CHATS = 7
NEW = 20.0  # days after the first message, when the two homes had gone apart
NAMED = frozenset({"empty", *(f"{kind}-{n}" for kind in ("chat", "new") for n in (0, 2, 4, 6))})


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Path, Path]:
    """Return a home and a copy that knows more: of every chat, of none, of new ones."""
    home, other = tmp_path / "home", tmp_path / "other"
    with new_home(home, 14) as db:
        for n in range(CHATS):
            add_session(db, f"chat-{n}", [("user", f"ask {n}", 1 + n / 10)])
    shutil.copytree(home, other)
    with opened(other) as db:
        for n in range(0, CHATS, 2):
            add_session(db, f"new-{n}", [("user", "one", NEW + n), ("assistant", "two", NEW + n)])
            db.execute(
                "INSERT INTO messages (session_id, role, content, timestamp)"
                " SELECT ?, 'user', 'more', MAX(timestamp) + 1 FROM messages",
                [f"chat-{n}"],
            )
        add_session(db, "empty", [], started=NEW + CHATS)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home, other


def units_of(home: Path, other: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> list[Unit]:
    """Return the units that a preview makes, so many chats read at a time."""
    made: list[Unit] = []
    units = UnitMaker.units
    with monkeypatch.context() as patch:
        patch.setattr(merge_units, "CHATS_AT_ONCE", at_once)

        def noted(maker: UnitMaker, verdicts: Sequence[ChatVerdict]) -> Iterator[Unit]:
            made.extend(units(maker, verdicts))
            yield from made

        patch.setattr(UnitMaker, "units", noted)
        run = Run(open_home(home), fixed_environment(home.parent))
        preview(run, MergeRequest((other,), NAMED))
    return made


@pytest.mark.parametrize("index", [True, False])
def test_how_many_chats_are_read_at_a_time_makes_no_difference(
    index: bool, apart: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it whether the source has an index of its messages."""
    home, other = apart
    if not index:
        with opened(other) as db:
            db.execute("DROP INDEX idx_messages_session")
            db.execute("DROP INDEX idx_messages_session_active")
    together = units_of(home, other, monkeypatch, 200)
    assert [unit.subject for unit in together].count("empty") == 1
    assert sum(unit.summary.startswith("continue") for unit in together) == 4
    assert units_of(home, other, monkeypatch, 1) == together
    assert units_of(home, other, monkeypatch, 3) == together


def copies_of(
    home: Path, other: Path, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None]
) -> tuple[Preview, int]:
    """Return a preview and how often sources were copied; ``between`` acts after the first look."""
    copied = 0
    opened_sources, looked = source_copies.opened, merge_into_home._preview

    def counted(run: Run, places: list[Place], *more: object) -> object:
        nonlocal copied
        copied += 1
        return opened_sources(run, places, *more)  # type: ignore[arg-type]

    def acted(*given: object) -> Preview:
        shown = looked(*given)  # type: ignore[arg-type]
        if not copied:
            between()
        return shown

    monkeypatch.setattr(merge_into_home, "opened", counted)
    monkeypatch.setattr(merge_into_home, "_preview", acted)
    run = Run(open_home(home), fixed_environment(home.parent))
    return preview(run, MergeRequest((other,), NAMED)), copied


def nothing() -> None:
    """Nobody else is there."""


def test_a_preview_copies_no_source_and_changes_none(
    apart: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(apart[1])
    shown, copied = copies_of(*apart, monkeypatch, nothing)
    assert (len(shown.held[0].wanted), copied) == (9, 0)
    assert files(apart[1]) == before


def test_a_source_that_is_written_to_meanwhile_is_copied(
    apart: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write() -> None:
        with opened(apart[1]) as db:
            db.execute("UPDATE messages SET content = 'said otherwise' WHERE id = 8")

    shown, copied = copies_of(*apart, monkeypatch, write)
    assert (len(shown.held[0].wanted), copied) == (9, 1)


def test_what_is_not_sound_is_looked_at_in_turn(
    apart: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = apart
    with opened(other) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "DELETE FROM sqlite_master WHERE name = 'idx_sessions_parent'"
        )  # its page belongs to nothing then
    assert "belong to nothing" in " ".join(_complaints(other))
    shown, copied = copies_of(home, other, monkeypatch, nothing)
    assert copied == 1 and len(shown.held[0].wanted) == 9


def _complaints(home: Path) -> tuple[str, ...]:
    with main_alone(home / "state.db") as look:
        return soundness(look).complaints


def test_a_damaged_home_is_named_with_its_finding(apart: tuple[Path, Path]) -> None:
    home, other = apart
    with sqlite3.connect(home / "state.db") as db:
        [(page,)] = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
        ).fetchall()
        [(size,)] = db.execute("PRAGMA page_size").fetchall()
    with (home / "state.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    done = merge(home, other, "--dry-run")
    assert done.code == 4 and "DB003" in done.out
