"""Every command that there is, with --json on the damaged sample home, against ``schema/json``.

The schemas are closed for that, so a field that none of them names fails, and so does a command
that is missing here.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sample_data.build import build
from tests.cli.speaking import assert_document, say, schemas
from tests.homes.damage import leave_lock
from tests.support import every_command

Capture = pytest.CaptureFixture[str]

LOOKS = [
    ("doctor", ["doctor", "--deep", "--for", "0.19.0"], 1),
    ("locks-list", ["locks", "list"], 0),
    ("forks", ["forks"], 0),
    ("tree", ["tree"], 0),
    ("find", ["find", "the"], 0),
    ("copies", ["copies"], 0),
    ("backfill-report", ["backfill", "--report"], 0),
    ("vacuum", ["vacuum", "--dry-run"], 0),
    ("plan", ["repair", "--dry-run"], 0),
    ("plan", ["backfill", "--dry-run"], 0),
    ("plan", ["forks", "--resolve", "branch", "--dry-run"], 0),
    ("plan", ["forks", "--resolve", "merge", "--dry-run"], 0),
    ("migrate", ["migrate", "--to", "16", "--dry-run"], 0),
    ("migrate-check", ["migrate", "--to", "16", "--check"], 1),
    ("history", ["history"], 0),
    ("backup-list", ["backup", "list"], 0),
]
RUNS = [
    ("repair", ["backfill", "--all", "--yes"], 0),
    ("repair", ["forks", "--resolve", "branch", "--yes"], 0),
    ("repair", ["repair", "--yes", "--backup"], 0),
    ("migrate", ["migrate", "--to", "16", "--yes"], 0),
    ("doctor", ["doctor"], 0),
    ("locks-list", ["locks", "list"], 0),
    ("locks-clean", ["locks", "clean"], 0),
    ("history", ["history"], 0),
    ("backup", ["backup"], 0),
    ("backup-list", ["backup", "list"], 0),
    ("copies", ["copies"], 0),
    ("backup-prune", ["backup", "prune"], 0),
    ("forks", ["forks"], 0),
    ("tree", ["tree"], 0),
    ("vacuum", ["vacuum", "--yes"], 0),
    ("undo", ["undo", "--yes"], 0),
    ("undo", ["undo", "--yes"], 0),
    ("undo", ["undo", "1", "--yes"], 0),
    ("error", ["undo", "1", "--yes"], 4),
]
WITHOUT_A_HOME = [
    ("migrate-list", ["migrate", "--list"]),
    ("explain", ["explain", "LN002"]),
    ("explain-list", ["explain"]),
]


def test_every_command_on_the_damaged_sample_home(tmp_path: Path, capsys: Capture) -> None:
    home = build("damaged", tmp_path / "sample", time.time())
    log = {"session_id": "cli-1", "messages": [{"role": "user", "content": "Is it raining?"}]}
    (home / "sessions" / "session_cli-1.json").write_text(json.dumps(log), encoding="utf-8")
    used: set[str] = set()
    named: set[tuple[str, ...]] = set()

    def check(schema: str, words: list[str], code: int, *more: str) -> Any:
        said = say(capsys, *words, *more, "--json")
        assert said.code == code and said.err == "", (words, said)
        assert_document(schema, said.document)
        used.add(schema)
        named.add(tuple(words))
        return said.document

    where = ("--home", str(home))
    for schema, words, code in LOOKS:
        document = check(schema, words, code, *where)
        assert document["database"]["size"] == (home / "state.db").stat().st_size, words
        assert schema != "backfill-report" or document["witnesses"]
    (finding, *_) = check("doctor", ["doctor"], 1, *where)["findings"]
    check("ack", ["ack", finding["fingerprint"], "--reason", "known"], 0, *where)
    out = str(tmp_path / "salvaged.db")
    written = check("salvage", ["salvage"], 0, *where, "--out", out)["written"]
    assert_document("salvage-ledger", json.loads(Path(written["ledger"]).read_text("utf-8")))
    used.add("salvage-ledger")
    for schema, words, code in RUNS:
        if words == ["locks", "list"]:
            leave_lock(home, "20260604_141503_b1946a")
        check(schema, words, code, *where)
    copies = check("backup-list", ["backup", "list"], 0, *where)["backups"]
    name = next(copy["name"] for copy in copies if not copy["for_receipt"])
    check("restore", ["restore", name, "--yes"], 0, *where)
    other = build("healthy", tmp_path / "other", time.time())
    for how in ("--dry-run", "--yes"):
        assert check("merge", ["merge", str(other), how], 0, *where)["sources"]
    check("bundle", ["bundle", str(tmp_path / "bundle.zip"), "--yes"], 0, *where)
    for how in ("--cron", "--systemd"):
        check("locks-install", ["locks", "install", how], 0, *where)
        check("locks-install", ["doctor", "install", how], 0, *where)
    for schema, words in WITHOUT_A_HOME:
        check(schema, words, 0)
    check("profiles", ["doctor", "--all-profiles"], 1, *where)

    # The guide is a talk: what it types has documents.
    every = {(), *(tuple(name.split()) for name in every_command() if name != "guide")}
    inner = {path[:-1] for path in every} - {("backup",), ("doctor",)}  # commands by themselves too
    left = {p for p in every - inner if not any(words[: len(p)] == p for words in named)}
    assert not left, "commands that no document here is of"
    assert set(schemas()) - used == {"common"}, "schemas that no command here is held against"
