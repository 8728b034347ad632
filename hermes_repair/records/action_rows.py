"""The tables of a plan file: a unit as one row, an action as one row and its images, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowRef,
    RowUpdate,
    SourceRef,
)
from hermes_repair.model.plans import Safety, Unit, UnitState
from hermes_repair.model.values import RawText, Row, Value, stored, text

TABLES = """
CREATE TABLE header (name TEXT PRIMARY KEY, value);
CREATE TABLE units (
  number INTEGER PRIMARY KEY, kind TEXT, subject TEXT, summary TEXT, safety TEXT, live INTEGER,
  findings TEXT, finding_ids TEXT, sessions TEXT, state TEXT
);
CREATE TABLE actions (
  unit INTEGER, position INTEGER, kind TEXT, tbl TEXT, counters TEXT,
  old_id INTEGER, new_id INTEGER, digest TEXT,
  source TEXT, offset INTEGER, length INTEGER, sha256 TEXT,
  sql TEXT, step TEXT, target TEXT, size INTEGER, column_set INTEGER,
  PRIMARY KEY (unit, position)
) WITHOUT ROWID;
CREATE TABLE column_sets (number INTEGER PRIMARY KEY, names TEXT UNIQUE);
CREATE TABLE images (
  unit INTEGER, position INTEGER, image TEXT, column_name TEXT, value,
  PRIMARY KEY (unit, position, image, column_name)
) WITHOUT ROWID;
"""
UNIT = (
    *("kind", "subject", "summary", "safety", "live"),
    *("findings", "finding_ids", "sessions"),
)
COLUMNS = (
    *("kind", "tbl", "counters", "old_id", "new_id", "digest"),
    *("source", "offset", "length", "sha256"),
    *("sql", "step", "target", "size", "column_set"),
)

_BYTES = "bytes"
"""The column that stands, among the images of a file, for all of it."""


def kept(value: Value) -> Value:
    """Return a field of ours as SQLite keeps it: the name of a file may be no UTF-8."""
    return stored(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """Return a field of ours as it was before :func:`kept`."""
    return text(value) if isinstance(value, RawText) else value


def texts(listed: Any) -> tuple[str, ...]:
    """Return a list of texts that was kept as JSON; raises ``ValueError`` for anything else."""
    parsed = json.loads(listed)
    if not isinstance(parsed, list) or not all(isinstance(one, str) for one in parsed):
        raise ValueError("no list of texts")
    return tuple(parsed)


def file_copy(source: Any, target: Any, size: Any, sha256: Any) -> FileCopy:
    """Return the copy of a file; raises ``ValueError`` where a field is of another kind."""
    return FileCopy(_text(source), _text(target), _whole(size), _text(sha256))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a field that is no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a field that is no number of bytes and no id")
    return value


def _bytes(image: Mapping[str, Value]) -> bytes:
    content = image.get(_BYTES)
    if not isinstance(content, bytes):
        raise ValueError("a file without its bytes")
    return content


def unit_row(number: int, unit: Unit) -> dict[str, Any]:
    """Return the row of a unit that nothing was done of yet."""
    return {
        "number": number,
        "kind": unit.kind,
        "subject": kept(unit.subject),
        "summary": kept(unit.summary),
        "safety": unit.safety.value,
        "live": int(unit.live),
        "findings": json.dumps(unit.findings),
        "finding_ids": json.dumps(unit.finding_ids),
        "sessions": json.dumps(sorted(unit.sessions)),
        "state": UnitState.PENDING.value,
    }


def unit_from_row(row: tuple[Any, ...], actions: tuple[Action, ...]) -> Unit:
    """Return the unit of one row over ``UNIT``; raises ``ValueError`` where it is none."""
    kind, subject, summary, safety, live, findings, finding_ids, sessions = row
    return Unit(
        kind=str(kind),
        subject=text(subject) or "",
        summary=text(summary) or "",
        actions=actions,
        safety=Safety(safety),
        live=bool(live),
        findings=texts(findings),
        finding_ids=texts(finding_ids),
        sessions=frozenset(texts(sessions)),
    )


def columns_of(action: Action) -> tuple[str, ...]:
    """Return the columns that an action's digest is over; plan files keep equal lists once."""
    return action.columns if isinstance(action, RowInsert | RowMove) else ()


def to_row(action: Action) -> tuple[dict[str, Any], dict[str, Row]]:
    """Return the columns of an action that are not NULL, and its images (key, before, after)."""
    row: dict[str, Any] = {"kind": type(action).__name__}
    images: dict[str, Row] = {}
    match action:
        case RowUpdate():
            row |= {"tbl": action.table, "counters": json.dumps(sorted(action.counters))}
            images = {"key": action.key, "before": action.before, "after": action.after}
        case RowInsert():
            row |= {"tbl": action.table, "digest": action.digest}
            images = {"key": action.key, "after": action.values}
            match action.source:
                case SourceRef(path, offset, length, sha256):
                    row |= {"source": path, "offset": offset, "length": length, "sha256": sha256}
                case RowRef(database, rowid, content, original):
                    row |= {"source": database, "old_id": rowid, "sha256": content}
                    images["before"] = original
        case RowDelete():
            row |= {"tbl": action.table}
            images = {"key": action.key, "before": action.before}
        case RowMove():
            row |= {
                "tbl": action.table,
                "old_id": action.old_id,
                "new_id": action.new_id,
                "digest": action.digest,
            }
        case Ddl():
            row |= {"sql": action.sql, "step": action.step}
        case IndexRefill():
            row |= {"tbl": action.table, "sql": json.dumps(action.statements)}
        case FileCopy():
            row |= {
                "source": action.source,
                "target": action.target,
                "size": action.size,
                "sha256": action.sha256,
            }
        case FileRewrite():
            row |= {"source": action.path}
            images = {"before": {_BYTES: action.before}, "after": {_BYTES: action.after}}
    return row, images


def from_row(
    row: tuple[Any, ...], images: dict[str, dict[str, Value]], columns: tuple[str, ...]
) -> Action:
    """Return the action of one row over ``COLUMNS``, its images and its list of columns.

    Raises ``ValueError`` or ``TypeError`` where that is none that :func:`to_row` makes.
    """
    kind, table, counters, old_id, new_id, digest = row[:6]
    source, offset, length, sha256, sql, step, target, size = row[6:14]
    key, before, after = (images.get(image, {}) for image in ("key", "before", "after"))
    match kind:
        case "RowUpdate":
            return RowUpdate(_text(table), key, before, after, frozenset(texts(counters)))
        case "RowInsert":
            origin: SourceRef | RowRef | None = None
            if source is not None and old_id is not None:
                origin = RowRef(_text(source), int(old_id), _text(sha256), before)
            elif source is not None:
                origin = SourceRef(_text(source), _whole(offset), _whole(length), _text(sha256))
            return RowInsert(_text(table), key, after, origin, digest, columns)
        case "RowDelete":
            return RowDelete(_text(table), key, before)
        case "RowMove":
            if not isinstance(old_id, int) or not isinstance(new_id, int):
                raise ValueError("an id that is no number")
            return RowMove(_text(table), old_id, new_id, _text(digest), columns)
        case "Ddl":
            return Ddl(_text(sql), _text(step))
        case "IndexRefill":
            return IndexRefill(_text(table), texts(sql))
        case "FileCopy":
            return file_copy(source, target, size, sha256)
        case "FileRewrite":
            return FileRewrite(_text(source), _bytes(before), _bytes(after))
    raise ValueError(f"a plan cannot have an action of kind {kind!r}")
