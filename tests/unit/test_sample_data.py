"""The invented homes of ``sample_data/``: as real as they look, and hurt exactly as they say."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sample_data.build import HERE, NAMES, ZONE, build, main
from tests.command import Ran, run
from tests.homes.home import copy_home, query_at_rest

# What doctor says of each home: (id, severity, session).
FINDINGS: dict[str, set[tuple[str, str, str | None]]] = {
    "healthy": set(),
    "damaged": {
        ("DB008", "error", None),  # younger than three chats, of which only files have all
        ("LN001", "error", "20260607_201500_069052"),
        ("LN002", "error", "20260601_080500_4fa2b1c3"),
        ("LN004", "error", "20260603_183000_51fe8c07"),
        ("MS002", "warning", "20260516_120955_77c3d2e1"),  # the count is the last trace
        ("MS002", "warning", "20260604_141503_b1946a"),
        ("SC001", "info", None),
        ("TR001", "info", "20260503_190412_3fa81c77"),  # front, older than the database
        ("TR001", "info", "20260506_172640_0c9e52af"),  # front, older than the database
        ("TR001", "info", "20260516_120955_77c3d2e1"),  # all; rows were taken out of this database
        ("TR001", "info", "20260518_093320_5ad0c6b4"),  # middle; its first rows are one block
        ("TR001", "error", "20260524_091000_6fa459ea"),  # tail
        ("TR002", "info", "20260502_110300_b7d40e19"),  # older than the database
        ("TR002", "info", "20260520_201530_c0ffee42"),
        ("TR004", "warning", "20260506_172640_0c9e52af"),
        ("TR005", "info", "20260526_210022_8d3f00aa"),
        ("TR007", "info", "20260523_194412_9b1deb4d"),
    },
    "damaged/profiles/trial": {
        ("SC002", "error", None),
        ("SC006", "warning", None),  # the index of the table that SC002 misses
    },
    "damaged/profiles/work": {
        ("LK001", "warning", "20260610_091503_77aa01de"),
        ("LK002", "warning", "20260611_143000_0b5e7f3c"),
        ("LK003", "warning", "20260609_120000_deadc0de"),
    },
}
HOMES = tuple(FINDINGS)

# What repair leaves: what has to be asked for, and information.
LEFT = {
    ("DB008", "error", None),
    ("MS002", "warning", "20260516_120955_77c3d2e1"),
    ("TR004", "warning", "20260506_172640_0c9e52af"),
    ("TR001", "info", "20260503_190412_3fa81c77"),
    ("TR001", "info", "20260506_172640_0c9e52af"),
    ("TR001", "info", "20260516_120955_77c3d2e1"),
    ("TR001", "info", "20260518_093320_5ad0c6b4"),
    ("TR002", "info", "20260502_110300_b7d40e19"),
    ("TR002", "info", "20260520_201530_c0ffee42"),
    ("TR005", "info", "20260526_210022_8d3f00aa"),
    ("TR007", "info", "20260523_194412_9b1deb4d"),
}

# ... and what was lost though a delete could have left it so is brought back when it is named.
ASKED = (
    "20260502_110300_b7d40e19",
    "20260503_190412_3fa81c77",
    "20260506_172640_0c9e52af",
    "20260516_120955_77c3d2e1",
    "20260518_093320_5ad0c6b4",
)
LEFT_THEN = {
    # Two chats without a title got back their tool calls: to step 16 they look like delegates.
    ("LN010", "info", None),
    ("TR004", "info", "20260506_172640_0c9e52af"),
    *(finding for finding in LEFT if finding[2] not in (*ASKED, None)),
}

# What was said in each damaged chat before, once repaired: genuine messages of all its rows.
WHOLE_AGAIN = {
    "20260502_110300_b7d40e19": 10,
    "20260503_190412_3fa81c77": 14,
    "20260506_172640_0c9e52af": 14,
    "20260516_120955_77c3d2e1": 6,
    "20260518_093320_5ad0c6b4": 16,
    "20260524_091000_6fa459ea": 8,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both homes, built now; not to be written to."""
    folder = tmp_path_factory.mktemp("built")
    for name in NAMES:
        build(name, folder / name, time.time())
    return folder


@pytest.fixture
def homes(built: Path, tmp_path: Path) -> Path:
    """Return a folder with both homes."""
    return copy_home(built, tmp_path / "homes")


def command(home: Path, *arguments: str) -> Ran:
    """Run hermes-repair on ``home`` as a user who has no Hermes installed."""
    return run(*arguments, home=home, environ={"PATH": os.defpath})


def doctor(home: Path) -> tuple[int, list[tuple[str, str, str | None]]]:
    done = command(home, "doctor", "--json")
    findings = done.document["findings"]
    found = [(f["id"], f["severity"], f["subject"].get("session_id")) for f in findings]
    return done.code, found


def digests(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", HOMES)
def test_database_is_sound_and_at_rest(homes: Path, name: str) -> None:
    home = homes / name
    with (home / "state.db").open("rb") as file:
        assert file.read(20)[18:20] == b"\x02\x02"  # written and read in WAL mode
    assert query_at_rest(home, "PRAGMA integrity_check") == [("ok",)]
    count = query_at_rest(home, "SELECT COUNT(*) FROM messages")
    assert count != [(0,)]
    for index in ("messages_fts", "messages_fts_trigram"):
        assert query_at_rest(home, f"SELECT COUNT(*) FROM {index}") == count
    assert not list(home.glob("state.db-*"))


def test_only_the_orphan_breaks_a_foreign_key(homes: Path) -> None:
    broken = {name: query_at_rest(homes / name, "PRAGMA foreign_key_check") for name in HOMES}
    assert [row[0] for row in broken.pop("damaged")] == ["sessions"]
    assert not any(broken.values())


@pytest.mark.parametrize("name", NAMES)
def test_same_moment_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    first = build(name, tmp_path / "first", 1_800_000_000.0)
    second = build(name, tmp_path / "second", 1_800_000_000.0)
    assert digests(first) == digests(second)


def lines_of(home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((home / "sessions").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):  # one is torn
                yield path.stem, json.loads(line)


@pytest.mark.parametrize("name", ["damaged", "healthy"])
def test_rows_of_a_line_were_written_within_its_second(homes: Path, name: str) -> None:
    rows = query_at_rest(
        homes / name,
        "SELECT session_id, role, COALESCE(content, ''), tool_call_id, tool_calls, timestamp"
        " FROM messages WHERE role <> 'session_meta'",
    )
    stored = {row[:5]: row[5] for row in rows}
    twins = 0
    for session, line in lines_of(homes / name):
        calls = json.dumps(line["tool_calls"]) if "tool_calls" in line else None
        key = (
            session,
            line["role"],
            line.get("content") or "",
            line.get("tool_call_id"),
            calls,
        )
        if key not in stored:
            continue
        stamp = datetime.fromisoformat(line["timestamp"]).replace(tzinfo=ZONE).timestamp()
        rewritten = session in ("20260523_194412_9b1deb4d", "20260526_210022_8d3f00aa")
        assert rewritten or 0 < stamp - stored[key] < 1
        twins += not rewritten
    assert twins >= 10


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "notes.txt"
    kept.write_text("mine")
    assert main([str(tmp_path)]) == 2
    assert main([str(kept)]) == 2
    assert "not there yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [kept]


def test_command_builds_the_damaged_home(tmp_path: Path) -> None:
    script = [sys.executable, str(HERE / "build.py"), str(tmp_path / "home")]
    subprocess.run(script, check=True, capture_output=True)
    assert query_at_rest(tmp_path / "home", "SELECT version FROM schema_version") == [(13,)]
    profiles = sorted(path.name for path in (tmp_path / "home" / "profiles").iterdir())
    assert profiles == ["trial", "work"]


@pytest.mark.parametrize("name", HOMES)
def test_doctor_names_each_damage_once(homes: Path, name: str) -> None:
    before = digests(homes / name)
    code, found = doctor(homes / name)
    assert sorted(found, key=str) == sorted(FINDINGS[name], key=str)
    assert code == (1 if FINDINGS[name] else 0)
    assert digests(homes / name) == before


def test_repair_leaves_what_is_asked_for_and_that_leaves_information(homes: Path) -> None:
    home = homes / "damaged"
    for arguments in (("migrate", "--to", "14", "--yes"), ("repair", "--yes")):
        done = command(home, *arguments)
        assert done.code == 0, done
    code, found = doctor(home)
    assert (code, set(found), len(found)) == (1, LEFT, len(LEFT))
    done = command(home, "backfill", *ASKED, "--yes")
    assert done.code == 0, done
    code, found = doctor(home)
    assert (code, set(found), len(found)) == (0, LEFT_THEN, len(LEFT_THEN))
    said = dict(
        query_at_rest(
            home,
            "SELECT session_id, COUNT(*) FROM messages WHERE role <> 'session_meta'"
            " GROUP BY session_id",
        )
    )
    assert {session: said[session] for session in WHOLE_AGAIN} == WHOLE_AGAIN


def test_the_broken_home_is_the_healthy_one_without_a_page(homes: Path) -> None:
    healthy, broken = digests(homes / "healthy"), digests(homes / "broken")
    assert {name for name in healthy if broken[name] != healthy[name]} == {"state.db"}
    assert doctor(homes / "broken") == (1, [("DB003", "fatal", None)])
    done = command(homes / "broken", "salvage")
    assert done.code == 4
    assert "33 of 66 messages can be read; 33 are lost" in done.out


def test_locks_of_the_profile_can_all_be_freed(homes: Path) -> None:
    home = homes / "damaged" / "profiles" / "work"
    done = command(home, "locks", "clean")
    assert done.code == 0, done
    assert query_at_rest(home, "SELECT COUNT(*) FROM compression_locks") == [(0,)]


def test_no_text_names_a_machine() -> None:
    for path in HERE.rglob("*"):
        if path.suffix in {".sql", ".jsonl", ".json", ".yaml"}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/(work|home|root|tmp|Users)/", text), path
