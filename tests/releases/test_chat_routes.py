"""Which session the next message of a chat goes to: the real gateway asked, before and after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cases.case import CASES, INSIDE
from tests.command import run
from tests.homes import content
from tests.homes.home import copy_home, query
from tests.releases import RELEASES, run_release

PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"
ASK = PATHS + "import sys\nfrom real_gateway import answers\nanswers(*sys.argv[1:])\n"

UNDAMAGED = """
from real_gateway import FILE, gateway_session, hears, peer, say, start, write

write("71", "72", "73")
store = start()
for chat in ("71", "73"):
    anew = store.reset_session(gateway_session.build_session_key(peer(chat)))
    say(anew.session_id, f"{chat} begins anew.", "So it does.")
back = hears(store, "72")
store.switch_session(gateway_session.build_session_key(peer("71")), back)
store._db.close()
assert FILE.exists()
"""
"""Chats that talk, begin anew and are led elsewhere, as a person does it."""


def answers(
    version: str, home: Path, place: Path, *chats: str
) -> dict[str, tuple[str | None, bool | None]]:
    """Ask the gateway of a release for the chats 71 and 72, or these; the home stays as it was.

    It works on the home itself, kept in ``place`` meanwhile: its table names the folder.

    By chat: the session of its next message, and whether the agent remembers anything; None for
    both where the gateway fails.
    """
    copy_home(home, place)
    out = run_release(version, ASK, home, *(chats or ("71", "72")))
    shutil.rmtree(home)
    copy_home(place, home)
    heard = json.loads(out.splitlines()[-1])
    return {
        chat: (session, None if messages is None else messages > 0)
        for chat, (session, messages) in heard.items()
    }


def home_of(case: str, version: str, folder: Path) -> Path:
    """Return the home of a case, written by a release."""
    home = folder / "home"
    home.mkdir()
    run_release(version, PATHS + (CASES / case / "write.py").read_text(encoding="utf-8"), home)
    return home


@pytest.mark.parametrize("version", ["0.18.0", "0.18.2", "0.19.0"])
def test_goes_on_in_the_continuation(version: str, tmp_path: Path) -> None:
    home = home_of("GW001_killed_after_compressing", version, tmp_path)

    forgot = answers(version, home, tmp_path / "forgot")
    assert [remembers for _, remembers in forgot.values()] == [False, True]

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    found = answers(version, home, tmp_path / "found")
    assert found == {"71": ("later", True), "72": forgot["72"]}

    assert run("undo", "--yes", home=home).code == 0
    assert not answers(version, home, tmp_path / "undone")["71"][1]


def test_continuation_with_its_key_is_found_unaided(tmp_path: Path) -> None:
    home = home_of("GW001_found_by_its_key_silent", "0.19.0", tmp_path)
    assert answers("0.19.0", home, tmp_path / "asked")["71"] == ("onward", True)


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0"])
def test_older_releases_are_led_on_in_their_file(version: str, tmp_path: Path) -> None:
    home = home_of("GW001_before_the_key", version, tmp_path)
    before = answers(version, home, tmp_path / "asked")["71"]
    session, remembers = before
    assert remembers and session != "onward", "they write into the closed part"

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert answers(version, home, tmp_path / "led")["71"] == ("onward", True)

    assert run("undo", "--yes", home=home).code == 0
    assert answers(version, home, tmp_path / "undone")["71"] == before


@pytest.mark.parametrize(
    ("case", "version"),
    [
        ("GW001_written_on_since", "0.13.0"),
        ("GW001_written_on_since", "0.14.0"),
        ("GW001_stopped", "0.16.0"),
        ("GW001_written_on_since_by_rows", "0.18.2"),
    ],
)
def test_chat_that_its_person_has_to_lead_on(case: str, version: str, tmp_path: Path) -> None:
    home = home_of(case, version, tmp_path)
    (found,) = run("doctor", "--json", "--select", "GW", home=home).document["findings"]
    assert (found["id"], found["repair"]) in {("GW001", "manual"), ("GW001", "unsafe")}
    before = (home / "sessions" / "sessions.json").read_bytes()
    assert run("repair", "--yes", home=home).code in (0, 1)
    assert (home / "sessions" / "sessions.json").read_bytes() == before
    assert query(home, "SELECT id FROM sessions WHERE id = 'onward' AND ended_at IS NULL")


@pytest.mark.parametrize(
    ("case", "version", "remembered"),
    [
        ("GW002_torn", "0.13.0", [True, False]),
        ("GW002_torn", "0.16.0", [True, False]),
        ("GW002_entry_of_a_wrong_type", "0.13.0", [True, True]),
        ("GW002_entry_of_a_wrong_type", "0.16.0", [True, True]),
        ("GW002_torn", "0.18.0", [True, True]),  # its rows know the other one
    ],
)
def test_repaired_file_of_chats(
    case: str, version: str, remembered: list[bool], tmp_path: Path
) -> None:
    home = home_of(case, version, tmp_path)
    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    heard = answers(version, home, tmp_path / "asked")
    assert [remembers for _, remembers in heard.values()] == remembered


@pytest.mark.parametrize("version", RELEASES)
def test_undamaged_home_has_no_finding_of_the_gateway(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, PATHS + UNDAMAGED, home)
    found = run("doctor", "--json", "--select", "GW", home=home).document["findings"]
    assert found == []


@pytest.mark.parametrize(
    ("case", "version", "remembered"),
    [
        ("GW002_torn", "0.13.0", False),
        ("GW002_torn", "0.16.0", False),
        ("GW002_torn", "0.17.0", False),
        ("GW002_entry_of_a_wrong_type", "0.13.0", False),
        ("GW002_entry_of_a_wrong_type", "0.17.0", False),
        ("GW002_entry_of_a_wrong_type", "0.18.0", True),
        ("GW002_torn_beside_the_table", "0.18.0", True),
        ("GW002_torn_beside_the_table", "0.19.0", True),
        ("GW002_folder", "0.13.0", None),
        ("GW002_folder", "0.19.0", None),
    ],
)
def test_file_of_chats(case: str, version: str, remembered: bool | None, tmp_path: Path) -> None:
    home = home_of(case, version, tmp_path)
    heard = answers(version, home, tmp_path / "asked")
    assert [remembers for _, remembers in heard.values()] == [remembered, remembered]


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
def test_topic_stays_in_its_chat(version: str, tmp_path: Path) -> None:
    home = home_of("GW003_session_deleted_by_hand", version, tmp_path)
    assert answers(version, home, tmp_path / "left", "71/5")["71/5"] == ("gone", False)

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    session, remembers = answers(version, home, tmp_path / "stayed", "71/5")["71/5"]
    assert remembers and session != "gone"

    assert run("undo", "--yes", home=home).code == 0
    assert answers(version, home, tmp_path / "undone", "71/5")["71/5"] == ("gone", False)


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_chat_that_leads_to_nothing(version: str, tmp_path: Path) -> None:
    home = home_of("GW004_older_one_open", version, tmp_path)
    before = content.rows(home / "state.db")
    assert answers(version, home, tmp_path / "asked")["71"] == ("gone", False)

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert content.rows(home / "state.db") == before

    named = run("repair", "--yes", "--session", "gone", home=home)
    assert named.code == 0, named.out + named.err
    session, remembers = answers(version, home, tmp_path / "found")["71"]
    assert remembers and session != "gone"
    assert not run("doctor", "--json", "--select", "GW", home=home).document["findings"]

    assert run("undo", "--yes", home=home).code == 0
    assert content.rows(home / "state.db") == before


def test_older_release_can_only_be_told(tmp_path: Path) -> None:
    home = home_of("GW004_older_one_open", "0.18.0", tmp_path)
    assert answers("0.18.0", home, tmp_path / "asked")["71"] == ("gone", False)
    found = run("doctor", "--json", "--select", "GW", home=home).document["findings"]
    assert [(one["id"], one["repair"], "/resume" in one["hint"]) for one in found] == [
        ("GW004", "none", True)
    ]


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_chat_that_an_older_release_went_on_with(version: str, tmp_path: Path) -> None:
    home = home_of("GW006_older_hermes_ran_meanwhile", version, tmp_path)
    older = (CASES / "GW006_older_hermes_ran_meanwhile" / "older.py").read_text(encoding="utf-8")
    run_release("0.16.0", PATHS + older, home)
    before = content.rows(home / "state.db")
    session, remembers = answers(version, home, tmp_path / "asked")["71"]
    assert remembers and session != "onward"

    named = run("repair", "--yes", "--session", "onward", home=home)
    assert named.code == 0, named.out + named.err
    assert answers(version, home, tmp_path / "led")["71"] == ("onward", True)

    assert run("undo", "--yes", home=home).code == 0
    assert content.rows(home / "state.db") == before


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_chat_that_was_closed_on_the_command_line(version: str, tmp_path: Path) -> None:
    home = home_of("SE005_closed_on_the_command_line", version, tmp_path)
    assert not answers(version, home, tmp_path / "asked")["71"][1]

    named = run("repair", "--yes", "--session", "chat", home=home)
    assert named.code == 0, named.out + named.err
    assert answers(version, home, tmp_path / "open")["71"] == ("chat", True)


TORN_WHOLE = """
from real_gateway import FILE, db, gateway_session, hears, peer, say, start, write

write("71", "72", "73")
store = start()
anew = store.reset_session(gateway_session.build_session_key(peer("73")))
say(anew.session_id, "73 begins anew.", "So it does.")
store._db.close()
if db._conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'gateway_routing'").fetchone():
    db._conn.execute("DELETE FROM gateway_routing")
    db._conn.commit()
FILE.write_text('{"agent:main:telegram')
"""


@pytest.mark.parametrize("version", ["0.18.0", "0.18.2", "0.19.0"])
def test_release_finds_its_chats_by_their_rows(version: str, tmp_path: Path) -> None:
    """Where the file of chats has no whole entry, a release of today rebuilds it from the rows.

    A chat that was reset goes on in what came after the reset.
    """
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, PATHS + TORN_WHOLE, home)
    heard = answers(version, home, tmp_path / "asked", "71", "72", "73")
    assert [remembers for _, remembers in heard.values()] == [True, True, True]
    reset = "SELECT id FROM sessions WHERE end_reason = 'session_reset'"
    assert heard["73"][0] not in [id for (id,) in query(home, reset)]
