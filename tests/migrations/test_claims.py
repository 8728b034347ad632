"""What ``releases.toml`` says of a release is what that release does (R7)."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.schema.releases import effects_of
from tests.homes.database import connect
from tests.homes.populated import chat_id, populated
from tests.releases import RELEASES, ReleaseError, run_release

LIST = """
import json
from hermes_state import SessionDB
db = SessionDB()
print(json.dumps([row["id"] for row in db.list_sessions_rich(limit=999)]))
db.close()
"""
CHAT = chat_id(3)


def claimed(version: str, number: int, finding: str) -> str:
    """Return the kind of what is said of a release and a finding; empty for nothing."""
    kinds = [e.kind for e in effects_of(version, number) if finding in e.findings]
    assert len(kinds) <= 1
    return kinds[0] if kinds else ""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home of schema 14; not to be written to."""
    return populated(tmp_path_factory.mktemp("start") / "home", 14)


@pytest.fixture
def home(start: Path, tmp_path: Path) -> Path:
    return shutil.copytree(start, tmp_path / "home")


def change(home: Path, *statements: str) -> None:
    with closing(connect(home / "state.db")) as connection:
        for sql in statements:
            connection.execute(sql)


TELL_TITLES_APART = "UPDATE sessions SET title = title || rowid WHERE title = 'Plans'"


@pytest.mark.parametrize("version", RELEASES)
def test_shared_titles_and_untitled_chats(version: str, home: Path) -> None:
    with closing(connect(home / "state.db")) as connection:
        asked = "SELECT COUNT(title) FROM sessions"
        (before,) = connection.execute(asked).fetchone()
        try:
            run_release(version, LIST, home)
            done = "erases"
        except ReleaseError as error:
            assert "IntegrityError" in str(error)
            done = "crashes"
        (after,) = connection.execute(asked).fetchone()
    assert claimed(version, 14, "SE002") == done
    assert (before - after == 1) == (done == "erases")


@pytest.mark.parametrize("version", RELEASES)
def test_untitled_chats_with_a_tool(version: str, home: Path) -> None:
    change(home, TELL_TITLES_APART)
    hidden = f'"{chat_id(29)}"' not in run_release(version, LIST, home)
    assert claimed(version, 14, "LN010") == ("hides" if hidden else "")


@pytest.mark.parametrize("version", RELEASES)
def test_a_version_row_of_text(version: str, home: Path) -> None:
    change(home, TELL_TITLES_APART, "UPDATE schema_version SET version = 'fourteen'")
    with pytest.raises(ReleaseError, match="TypeError"):
        run_release(version, LIST, home)
    assert claimed(version, 14, "SC005") == "crashes"


READ = f"""
from hermes_state import SessionDB
db = SessionDB()
print(len(db.get_messages("{CHAT}")))
db.close()
"""


@pytest.mark.parametrize("version", RELEASES)
def test_flags_that_were_never_set(version: str, home: Path) -> None:
    """The column as the build that was never released made it: nullable, without a default."""
    change(
        home,
        TELL_TITLES_APART,
        "DROP INDEX idx_messages_session_active",
        "ALTER TABLE messages DROP COLUMN active",
        "ALTER TABLE messages ADD COLUMN active INTEGER",
    )
    hidden = run_release(version, READ, home).strip() == "0"
    assert claimed(version, 14, "SC007") == ("hides" if hidden else "")


@pytest.mark.parametrize("version", RELEASES)
def test_what_was_taken_back_or_put_away(version: str, home: Path) -> None:
    change(
        home,
        TELL_TITLES_APART,
        f"UPDATE messages SET active = 0 WHERE session_id = '{CHAT}' AND role = 'tool'",
        f"UPDATE sessions SET archived = 1 WHERE id = '{chat_id(5)}'",
    )
    shown = run_release(version, READ, home).strip() == "15"
    listed = chat_id(5) in run_release(version, LIST, home)
    kinds = [effect for effect in effects_of(version, 14) if effect.kind == "shows"]
    assert (shown, listed) == (bool(kinds), bool(kinds))
    assert len(kinds) in (0, 2)
