"""A large file is checked by a thread while the checks read it: both ways say the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from hermes_repair.app import diagnose
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import Soundness
from hermes_repair.store.second_reader import SecondReader, second_reader
from tests.cli.speaking import say
from tests.engine.pages import Pages, settle
from tests.homes.small import small_home

Capture = pytest.CaptureFixture[str]
Damage = Callable[[Path], None]


def leaf_of_messages(home: Path) -> None:
    pages = Pages(home)
    pages[pages.tree(pages.roots["messages"])[-1][0]] = b"\xaa" * pages.size
    pages.write()


def index_without_entries(home: Path) -> None:
    pages = Pages(home)
    pages.empty("sqlite_autoindex_sessions_1")
    pages.write()


def no_database(home: Path) -> None:
    (home / "state.db").write_bytes(b"not a database\n" * 400)


def schema_gone(home: Path) -> None:
    pages = Pages(home)
    pages[1] = pages[1][:100] + b"\xaa" * (pages.size - 100)
    pages.write()


@pytest.mark.parametrize(
    ("damage", "answers"),
    [
        (settle, [True]),
        (leaf_of_messages, [False]),
        (index_without_entries, [False]),
        (schema_gone, [False]),
        (no_database, []),
    ],
)
def test_a_thread_changes_nothing_of_what_is_said(
    damage: Damage,
    answers: list[bool],
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = small_home(tmp_path / "home")
    damage(home)
    asked = ("doctor", "--home", home, "--json")
    alone = say(capsys, *asked)
    judged: list[bool] = []

    def noted(reader: SecondReader) -> Future[Soundness]:
        answer = check(reader)
        judged.append(answer.result() == Soundness())
        return answer

    check = SecondReader.soundness
    monkeypatch.setattr(diagnose, "LARGE", 0)
    monkeypatch.setattr(SecondReader, "soundness", noted)
    beside = say(capsys, *asked)
    assert judged == answers
    assert beside.code == alone.code
    assert beside.document == alone.document


def test_what_is_still_asked_ends_with_the_caller(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    settle(home)
    with pytest.raises(KeyboardInterrupt), second_reader(home / "state.db") as reader:
        answer = reader.soundness()
        raise KeyboardInterrupt
    assert answer.done()


def test_a_question_is_answered_once_by_whoever_comes_to_it_first(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    settle(home)
    counting, never = "SELECT COUNT(*) FROM messages", "SELECT COUNT(*) FROM sessions"
    with main_alone(home / "state.db") as look, second_reader(look.path) as reader:
        told = look.counted(counting)
        look.meanwhile = reader
        look.begin([counting])
        reader.soundness().result()  # asked after the question, so that is answered
        assert reader.rows(counting) == told
        assert reader.rows(counting) is None
        assert reader.rows(never) is None
        assert look.counted(counting) == told


def test_what_it_cannot_read_is_said_by_whoever_asks(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    settle(home)
    with main_alone(home / "state.db") as look, second_reader(look.path) as reader:
        look.meanwhile = reader
        look.begin(["SELECT nothing FROM messages"])
        reader.soundness().result()
        with pytest.raises(DatabaseUnreadable, match="nothing"):
            look.counted("SELECT nothing FROM messages")
