"""Runs every case: doctor → repair → doctor → nothing left → undo, each as a user types it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.checks.registry import all_checks
from tests.cases.case import EVERYWHERE, Case, all_cases
from tests.cases.printed import refused
from tests.command import run
from tests.homes.content import RECORDS, fingerprint, rows

CASES = all_cases()
OF_SEARCH = ("messages_fts", "state_meta")
"""Tables whose rows of no session a repair of the search index may change."""

Said = list[tuple[str, str, str, str]]


def first_of_their_kind() -> frozenset[str]:
    """Return the names of the cases with a finding that none before them has in that way.

    What is printed for the others is alike: it is typed for these here, for the others by
    ``make long``.
    """
    names, seen = set(), set[tuple[str, str, str]]()
    for case in CASES:
        kinds = {(f["id"], f["severity"], f["repair"]) for f in case.doctor["findings"]}
        if kinds - seen and not case.beside:
            names.add(case.name)
            seen |= kinds
    return frozenset(names)


FIRST = first_of_their_kind()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "home"
    case.build(home)
    if case.name in FIRST:
        copy = shutil.copytree(home, tmp_path / "typed" / "home", symlinks=True)
        assert refused(copy) == [], "a command was printed that does not work"
    with case.company(home):
        before = looks(home, case)
        looked = run("doctor", "--json", home=home, environ=case.surroundings(home))
        assert looked.code == case.doctor["exit"], looked.out + looked.err
        assert said(looked.document, case) == expected(case.doctor["findings"])
        assert_data(looked.document, case.doctor["findings"])
        if case.silent:
            assert case.finding not in {finding["id"] for finding in looked.document["findings"]}
        assert looks(home, case) == before, "looking changed the home (R1)"
        files = {name: (home / name).read_bytes() for name in case.rewrites}
        original = repaired(case, home) if case.repair is not None else None
    assert not any((home / name).read_bytes() == data for name, data in files.items())
    if original is not None:
        undone = run("undo", "--yes", home=home)
        assert undone.code == 0, undone.out + undone.err
        assert rows(home / "state.db") == rows(original)
        assert {name: (home / name).read_bytes() for name in files} == files


@pytest.mark.long
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name not in FIRST and not case.beside],
    ids=lambda case: case.name,
)
def test_no_command_that_is_printed_is_refused(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "typed" / "home"
    home.parent.mkdir()
    case.build(home)
    assert refused(home) == []


def looks(home: Path, case: Case, *, records: bool = True) -> dict[str, tuple[str, int, int]]:
    """Return the fingerprint of a home, beside others less the memory of their readers (R1)."""
    found = fingerprint(home, records=records)
    if case.beside:
        del found["state.db-shm"]
    return found


def repaired(case: Case, home: Path) -> Path | None:
    """Repair, and look again. Returns a copy of what was there, if that can be undone."""
    wanted = case.repair or {}
    command, options = wanted.get("command", "repair"), wanted.get("options", [])
    files = looks(home, case, records=False)
    original = private_copy(home, home.with_name("original"))
    lay = {path.name: path.read_bytes() for path in original.parent.iterdir()}
    if "ignore" in options:
        original.with_name("state.db-wal").unlink()
    done = run(command, "--yes", *options, home=home)
    assert done.code == wanted.get("exit", 0), done.out + done.err
    touched = bool(case.changes or case.rewrites) or command == "migrate"
    if touched:
        query(original, "SELECT 1 FROM sessions")  # joins or rolls back what lies beside the copy
    if not touched:
        assert looks(home, case, records=False) == files, "there was nothing to change"
    elif command == "repair":
        file_status, after = (
            {
                table: found
                for table, found in rows(path, besides=case.changes).items()
                if found and not (case.of_an_index and table.startswith(OF_SEARCH))
            }
            for path in (original, home / "state.db")  # a table may come or go, its rows may not
        )
        assert after == file_status, "changed besides the plan"
    if touched and len(lay) > 1 and not case.beside:
        assert lay in bundles(home), "what lay beside the database was not kept (R4)"
    looked = run("doctor", "--json", home=home)
    assert said(looked.document, case) == expected(wanted.get("leaves", []))
    assert_data(looked.document, wanted.get("leaves", []))
    for check in case.after:
        found = query(home / "state.db", check["sql"])
        assert found == [tuple(row) for row in check["rows"]], check["sql"]
    if done.code != 0:
        return None
    again = run(command, "--dry-run", "--json", *options, home=home).document["plan"]
    assert (again["actions"], again.get("waiting", [])) == ([], [])
    return original if touched and wanted.get("undo", True) else None


def private_copy(home: Path, folder: Path) -> Path:
    """Copy the database with what lies beside it: opening such files at home would change them."""
    folder.mkdir()
    for name in ("state.db", "state.db-wal", "state.db-journal"):
        if (home / name).exists() and (home / name).stat().st_size:
            shutil.copyfile(home / name, folder / name)
    return folder / "state.db"


def bundles(home: Path) -> list[dict[str, bytes]]:
    """Return the safety copies of a database and its side files, the shared memory aside."""
    return [
        {path.name: path.read_bytes() for path in copy.parent.iterdir() if path.suffix != ".db-shm"}
        for copy in (home / RECORDS / "backups").rglob("state.db")
    ]


def said(document: dict[str, Any], case: Case) -> Said:
    """Return (id, session, severity, repair) of every finding, sorted."""
    skipped = EVERYWHERE - {case.finding}
    return sorted(
        (f["id"], f["subject"].get("session_id", ""), f["severity"], f["repair"])
        for f in document["findings"]
        if f["id"] not in skipped
    )


def expected(findings: list[dict[str, Any]]) -> Said:
    return sorted((f["id"], f.get("session", ""), f["severity"], f["repair"]) for f in findings)


def assert_data(document: dict[str, Any], findings: list[dict[str, Any]]) -> None:
    """Assert that a finding shows the data that the case names."""
    for wanted in findings:
        found = [
            f["data"]
            for f in document["findings"]
            if (f["id"], f["subject"].get("session_id", ""))
            == (wanted["id"], wanted.get("session", ""))
        ]
        assert any(wanted.get("data", {}).items() <= data.items() for data in found), found


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        connection.execute("PRAGMA writable_schema = ON")  # also where something is listed twice
        return [tuple("" if v is None else v for v in row) for row in connection.execute(sql)]
    finally:
        connection.close()


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_every_finding_has_a_case_that_fires_and_one_that_stays_silent(check: Any) -> None:
    fires = [c for c in CASES if not c.silent and fired(c, check.id)]
    silent = [c for c in CASES if c.silent and c.finding == check.id]
    assert fires, f"no case under tests/cases makes {check.id} fire"
    assert silent, f"no case {check.id}_..._silent shows what looks like it and is not"


def fired(case: Case, id: str) -> bool:
    return any(finding["id"] == id for finding in case.doctor["findings"])


def test_every_case_is_named_after_a_finding() -> None:
    known = {check.id for check in all_checks()}
    assert {case.finding for case in CASES} <= known
