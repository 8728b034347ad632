"""Which number ``migrate`` goes to, and when it does not go: as a user types it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import fingerprint, rows
from tests.homes.home import of_schema, opened
from tests.homes.populated import populated
from tests.in_process import fixed_environment, migrate
from tests.migrations.running import checkout, environment, gateway

UNIT = """
[Service]
ExecStart={python} -m hermes_cli.main gateway run
Environment="HERMES_HOME={home}"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return of_schema("0.15.2", tmp_path / "home")


def number(home: Path) -> int:
    connection = sqlite3.connect(home / "state.db")
    try:
        return int(connection.execute("SELECT version FROM schema_version").fetchone()[0])
    finally:
        connection.close()


def test_without_an_install_14_is_a_guess(home: Path) -> None:
    before = fingerprint(home)
    assert run("migrate", "--check", home=home).code == 1
    said = run("migrate", "--dry-run", "--json", home=home)
    assert (said.code, said.document["start"], said.document["target"]) == (0, 13, 14)
    assert said.document["target_guessed"] is True
    looked = run("doctor", "--json", home=home)
    assert looked.code == 0, "behind a guess is only a note"
    assert fingerprint(home) == before


def test_an_install_whose_number_cannot_be_read_is_named(home: Path) -> None:
    """The target is a guess then too, but nobody is told that no Hermes was there."""
    code = checkout(home, "0.17.0")
    (code / "hermes_state.py").write_text("SCHEMA_VERSION = = 16 (((", encoding="utf-8")
    found = "A Hermes 0.17.0 was found (the checkout below the home), but its schema number could"
    said = run("migrate", "--dry-run", home=home)
    assert said.code == 0 and "no installed Hermes was found" not in said.out
    assert found in said.out and str(code) in said.out
    assert "Target 14: cannot tell what the installed Hermes expects" in said.out
    assert found in run("migrate", "--to", "16", "--dry-run", home=home).out
    document = run("migrate", "--dry-run", "--json", home=home).document
    assert document["target_guessed"] is True and found in document["notes"][0]
    looked = run("doctor", "--json", home=home).document
    assert any(note.startswith(found) for note in looked["notes"])


def test_the_checkout_below_the_home_decides(home: Path) -> None:
    checkout(home, "0.17.0")
    done = run("migrate", "--yes", home=home)
    assert done.code == 0, done.err
    assert "schema 13 -> 16" in done.out
    assert str(home / "hermes-agent" / "hermes_state.py") in done.out
    assert number(home) == 16
    assert run("migrate", "--check", home=home).code == 0
    again = run("migrate", "--yes", home=home)
    assert (again.code, "nothing to do" in again.out) == (0, True)


def test_beyond_the_installed_one_only_with_force_and_the_reason(home: Path) -> None:
    checkout(home, "0.16.0")
    before = fingerprint(home)
    refused = run("migrate", "--to", "22", "--yes", home=home)
    assert refused.code == 4
    assert "0.16.0" in refused.err and "written" not in refused.out
    assert "data steps would be skipped" in refused.err
    assert "--force" in refused.err
    assert fingerprint(home) == before
    done = run("migrate", "--to", "22", "--force", "--yes", home=home)
    assert done.code == 0, done.err
    assert "data steps up to 22" in done.out
    assert number(home) == 22


def test_where_23_or_more_is_expected_the_rest_is_for_hermes(home: Path) -> None:
    code = checkout(home, "0.19.0")
    (code / "hermes_state.py").write_text("SCHEMA_VERSION = 25\n", encoding="utf-8")
    done = run("migrate", "--yes", home=home)
    assert done.code == 0, done.err
    assert "from 22 to 25 on its next start" in done.out
    assert number(home) == 22
    assert run("migrate", "--check", home=home).code == 0


def test_an_older_install_than_the_database_asks_for_nothing(tmp_path: Path) -> None:
    home = of_schema("0.18.2", tmp_path / "home")
    checkout(home, "0.16.0")
    done = run("migrate", "--yes", home=home)
    assert done.code == 0
    assert "already at 19, beyond what this Hermes expects (14)" in done.out
    assert number(home) == 19


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--to", "13"), 0, "nothing to do"),
        (("--to", "12"), 4, "cannot go back to 12"),
        (("--to", "3"), 2, "does not migrate to schema"),
        (("--to", "23"), 2, "Known targets go up to 22"),
        (("--to", "zero"), 2, "valid int"),
    ],
)
def test_numbers_that_are_asked_for(
    words: tuple[str, ...], code: int, said: str, home: Path
) -> None:
    before = rows(home / "state.db")
    done = run("migrate", "--yes", *words, home=home)
    assert done.code == code, done.out + done.err
    assert said in done.out + done.err
    assert rows(home / "state.db") == before


def test_later_schemas_are_left_to_hermes(tmp_path: Path) -> None:
    home = of_schema("v25last", tmp_path / "home")
    before = fingerprint(home)
    done = run("migrate", "--dry-run", home=home)
    assert done.code == 0
    assert "Hermes' own code migrates" in done.out
    assert run("migrate", "--to", "22", "--dry-run", home=home).code == 4
    assert run("migrate", "--check", home=home).code == 0
    looked = run("doctor", home=home)
    assert "Only Hermes itself migrates schema 25" in looked.out
    assert fingerprint(home) == before


def test_a_running_gateway_is_named_and_its_code_decides(home: Path, tmp_path: Path) -> None:
    checkout(home, "0.19.0")
    python = environment(tmp_path / "venv", "0.16.0")
    with gateway(python, home) as process:
        said = run("migrate", "--dry-run", "--json", home=home).document
        assert said["target"] == 14
        assert f"the running {python}" in said["target_by"]
        assert any("0.19.0" in note for note in said["notes"])
        before = rows(home / "state.db")
        refused = run("migrate", "--yes", home=home)
        assert refused.code == 4
        assert f"pid {process.pid}" in refused.err
        assert "gateway stop" in refused.err
        assert rows(home / "state.db") == before
        assert run("migrate", "--check", home=home).code == 1


def test_a_service_that_names_the_home_decides(home: Path, tmp_path: Path) -> None:
    checkout(home, "0.19.0")
    python = environment(tmp_path / "venv", "0.16.0")
    units = tmp_path / ".config" / "systemd" / "user"
    units.mkdir(parents=True)
    unit = units / "hermes-gateway.service"
    unit.write_text(UNIT.format(python=python, home=home), encoding="utf-8")
    user = {"HOME": str(tmp_path)}
    said = run("migrate", "--dry-run", "--json", home=home, environ=user).document
    assert said["target"] == 14
    assert "hermes-gateway.service" in said["target_by"]
    unit.write_text(UNIT.format(python=python, home="/elsewhere"), encoding="utf-8")
    said = run("migrate", "--dry-run", "--json", home=home, environ=user).document
    assert said["target"] == 22


def test_check_says_nothing_and_locks_nothing(home: Path) -> None:
    before = fingerprint(home)
    writer = sqlite3.connect(home / "state.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("BEGIN IMMEDIATE")
    beside = run("migrate", "--check", home=home)
    writer.rollback()
    writer.close()
    assert (beside.code, beside.out, beside.err) == (1, "", "")
    assert fingerprint(home).keys() == before.keys()
    done = run("migrate", "--check", "--to", "13", "--json", home=home)
    assert (done.code, done.document["behind"]) == (0, False)
    assert run("migrate", "--check", home=home.parent / "nowhere").code == 5


def test_check_is_right_where_a_crash_left_all_in_the_wal(home: Path) -> None:
    migrated = of_schema("0.16.0", home.parent / "later")
    crashed = home.parent / "crashed"
    crashed.mkdir()
    writer = sqlite3.connect(crashed / "state.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    source = sqlite3.connect(migrated / "state.db")
    source.backup(writer)
    kept = {end: (crashed / f"state.db{end}").read_bytes() for end in ("", "-wal")}
    writer.close()
    source.close()
    for end, data in kept.items():
        (crashed / f"state.db{end}").write_bytes(data)
    before = fingerprint(crashed)
    assert run("migrate", "--check", home=crashed).code == 0
    assert run("migrate", "--check", "--to", "22", home=crashed).code == 1
    assert fingerprint(crashed) == before


def test_dry_run_shows_sql_and_rows_and_changes_nothing(tmp_path: Path) -> None:
    home = populated(tmp_path / "home")
    before = fingerprint(home)
    shown = run("migrate", "--to", "22", "--dry-run", home=home)
    assert shown.code == 0
    assert 'ALTER TABLE "messages" ADD COLUMN "compacted" INTEGER NOT NULL DEFAULT 0;' in shown.out
    assert "one usage row per session with tokens (30 rows)" in shown.out
    assert "marked in model_config (10 rows)" in shown.out
    assert "filled from sessions.json where they are NULL (15 rows)" in shown.out
    assert "20260505_000029_cccccccc: it is a person's chat" in shown.out
    assert f"Next: hermes-repair migrate --home {home} --to 22" in shown.out
    plan = run("migrate", "--to", "22", "--dry-run", "--json", home=home).document["plan"]
    assert plan["left_alone"] == [{"session": "20260505_000029_cccccccc",
                                   "reason": "it is a person's chat"}]  # fmt: skip
    assert fingerprint(home) == before


def test_the_disk_is_asked_for_room_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """10 -> 11 makes both search tables anew; the rest of the way needs next to nothing."""
    home = of_schema("v10", tmp_path / "home")
    connection = sqlite3.connect(home / "state.db")
    for number in range(40):
        connection.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('s1', 'user', ?,"
            " 1.0)",
            (f"{number} " + "a long letter about the weir " * 20_000,),
        )
    connection.commit()
    connection.close()
    room = run("migrate", "--to", "11", "--dry-run", "--json", home=home).document["plan"]["room"]
    text = 40 * 20_000 * len("a long letter about the weir ")
    assert 8 * text < room < 12 * text
    size = (home / "state.db").stat().st_size
    free = size + room // 2 + (64 << 20)
    monkeypatch.setattr("hermes_repair.app.preflight.host.free_bytes", lambda _path: free)
    before = fingerprint(home)
    with pytest.raises(Exception, match="are free"):
        migrate(home, fixed_environment(tmp_path), 11)
    assert fingerprint(home, records=False) == before


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = of_schema("v10", tmp_path / "home")
    monkeypatch.setattr("hermes_repair.app.environment.PROGRESS_EVERY", 0.0)
    told: list[str] = []
    migrate(home, fixed_environment(tmp_path, tell=told.append), 14)
    assert any(sentence.startswith("backing up the database to ") for sentence in told)
    steps = [sentence for sentence in told if " done, step 11 " in sentence]
    assert len(steps) > 10
    assert told[-1] == "migrate the database: schema 10 -> 14"


def test_the_list_of_versions() -> None:
    listed = run("migrate", "--list")
    assert listed.code == 0
    assert any(line.split()[:1] == ["22"] and "0.19.0" in line for line in listed.out.splitlines())
    versions = run("migrate", "--list", "--json").document["versions"]
    assert [entry["schema"] for entry in versions] == [1, 2, *range(4, 32)]


def torn(home: Path, table: str) -> None:
    """Overwrite the beginning of a table's first page."""
    with opened(home) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with (home / "state.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 200)


def test_a_damaged_file_is_not_migrated(tmp_path: Path) -> None:
    home = populated(tmp_path / "home")
    torn(home, "messages")
    before = fingerprint(home)
    for words, told in (("--dry-run", "DB003"), ("--yes", "malformed")):
        refused = run("migrate", "--to", "14", words, home=home)
        assert refused.code == 4
        assert told in refused.err
    assert fingerprint(home, records=False) == before
    assert not list((home / "hermes-repair").rglob("state.db"))


def test_a_damaged_search_index_keeps_nobody_from_migrating(tmp_path: Path) -> None:
    """It is made of what the messages say: FT003 names it, and no message depends on it."""
    home = populated(tmp_path / "home")
    torn(home, "messages_fts_trigram_idx")
    assert run("migrate", "--to", "14", "--yes", home=home).code == 0
    found = run("doctor", "--json", home=home).document
    assert "FT003" in {finding["id"] for finding in found["findings"]}
    assert run("undo", "--yes", home=home).code == 0
    assert run("doctor", "--json", home=home).document["database"]["schema"] == 11
