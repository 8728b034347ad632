"""Does what a comparison says, in the plainest way: SQL on a copy of the home's database."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from hermes_repair.merging.verdicts_of_chats import Bring, ChatVerdict, Link


def apply(home: Path, source: Path, brings: tuple[ChatVerdict, ...], target: Path) -> None:
    """Make ``target``: the home's database with what is brought from the source's."""
    shutil.copyfile(home, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as db:
        db.execute("ATTACH ? AS source", [str(source)])
        db.execute("BEGIN")
        columns = {table: _common(db, table) for table in ("sessions", "messages")}
        for verdict in brings:
            assert verdict.bring is not None
            _bring(db, verdict.session_id, verdict.bring, columns)
        db.execute("COMMIT")


def _common(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns that both have, without the keys."""
    ours, theirs = (
        [row[1] for row in db.execute(f"PRAGMA {schema}.table_info({table})")]
        for schema in ("main", "source")
    )
    return [name for name in ours if name in theirs and name not in ("id", "session_id")]


def _bring(db: sqlite3.Connection, name: str, bring: Bring, columns: dict[str, list[str]]) -> None:
    if bring.new_session:
        _make_session(db, name, bring, columns["sessions"])
    elif bring.takes_end:
        db.execute(
            "UPDATE main.sessions SET (ended_at, end_reason) ="
            " (SELECT ended_at, end_reason FROM source.sessions WHERE id = ?) WHERE id = ?",
            [name, bring.into],
        )
    for flag in bring.flags:
        if "compacted" in columns["messages"]:
            db.execute(
                "UPDATE main.messages SET compacted = ? WHERE id = ?", [flag.compacted, flag.id]
            )
        db.execute("UPDATE main.messages SET active = ? WHERE id = ?", [flag.active, flag.id])
    if bring.messages:
        picked = ", ".join(columns["messages"])
        added = db.execute(
            f"INSERT INTO main.messages (session_id, {picked}) SELECT ?, {picked}"
            " FROM source.messages WHERE session_id = ? AND id >= ? ORDER BY id",
            [bring.into, name, bring.since if bring.since is not None else -(2**63)],
        )
        assert added.rowcount == bring.messages, (name, bring, added.rowcount)


def _make_session(db: sqlite3.Connection, name: str, bring: Bring, columns: list[str]) -> None:
    kept = [column for column in columns if column != "title"]
    picked = ", ".join(kept)
    db.execute(
        f"INSERT INTO main.sessions (id, {picked}) SELECT ?, {picked}"
        " FROM source.sessions WHERE id = ?",
        [bring.into, name],
    )
    [(config, title, taken)] = db.execute(
        "SELECT model_config, title, title IN (SELECT title FROM main.sessions)"
        " FROM source.sessions WHERE id = ?",
        [name],
    )
    parent = bring.parent if bring.link is Link.PARENT else None
    if bring.link is Link.BRANCH:
        config = json.dumps({**json.loads(config or "{}"), "_branched_from": bring.parent})
    if taken or bring.into != name:
        title = f"{name} ({bring.into})"
    db.execute(
        "UPDATE main.sessions SET parent_session_id = ?, model_config = ?, title = ? WHERE id = ?",
        [parent, config, title, bring.into],
    )
    if not bring.takes_end:
        db.execute(
            "UPDATE main.sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?", [bring.into]
        )
