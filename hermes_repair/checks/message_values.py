"""Values in rows of ``messages`` that no release writes, and texts of ``sessions`` (MS004).

Hermes reads whole rows of ``sessions``, so a title or a system prompt with one byte that is not
UTF-8 makes every list of sessions fail (0.13.0 to 0.19.0).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import NamedTuple

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR, repair_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import EARLIEST, MILLISECONDS, TEXTS, is_time, rows_in
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import RawText, Row, Value, number, text
from hermes_repair.model.words import count
from hermes_repair.store.connections import quote
from hermes_repair.transcripts.message_keys import SENTINEL

SLACK = 5.0  # seconds by which a message may seem older than the one before it
SCALES = (1e3, 1e6, 1e9)  # milliseconds, microseconds and nanoseconds, in seconds
LATEST = 86400.0  # seconds by which a clock may be ahead of ours


class Mended(NamedTuple):
    """One value as it has to be. ``kind`` says what was wrong; ``sure``: it follows from the data.

    ``column`` names where it is.
    """

    column: str
    value: Value
    kind: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Damaged:
    """One row with odd values."""

    row: Row
    mended: tuple[Mended, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The times between which a message has to lie, ``None`` where nothing says so."""

    before: float | None
    after: float | None

    def allow(self, at: float) -> bool:
        """Whether both sides are known and ``at`` lies between them."""
        if self.before is None or self.after is None:
            return False
        return self.before - SLACK <= at <= self.after + SLACK


def mend_row(row: Row, neighbours: Callable[[], Neighbours], zone: tzinfo) -> tuple[Mended, ...]:
    """Return what has to change in one row; empty where all its values are ordinary."""
    texts = (_text(name, row[name]) for name in TEXTS if name in row)
    mended = [change for change in texts if change is not None]
    if not any(change.column == "tool_calls" for change in mended):
        calls = _calls(row.get("tool_calls"))
        mended += [calls] if calls is not None else []
    if not any(change.column == "content" for change in mended):
        content = _content(row.get("content"))
        mended += [content] if content is not None else []
    if not is_time(row["timestamp"]):
        mended.append(_time(row["timestamp"], neighbours(), zone))
    return tuple(mended)


def _text(column: str, value: Value) -> Mended | None:
    if isinstance(value, RawText):
        return Mended(column, value.data.decode("utf-8", "replace"), "invalid UTF-8", sure=True)
    if not isinstance(value, bytes):
        return None
    try:
        return Mended(column, value.decode("utf-8"), "bytes instead of text", sure=True)
    except UnicodeDecodeError:
        return Mended(
            column, value.decode("utf-8", "replace"), "bytes that are not text", sure=False
        )


def _content(value: Value) -> Mended | None:
    """Return structured content that cannot be decoded as the text that is there."""
    if not isinstance(value, str) or not value.startswith(SENTINEL):
        return None
    try:
        json.loads(value[len(SENTINEL) :])
    except (ValueError, RecursionError):
        return Mended("content", value[len(SENTINEL) :], "structure that is not JSON", sure=False)
    return None


def _calls(value: Value) -> Mended | None:
    """Return tool calls as the list that releases read; they take anything else for none."""
    if value is None or value == "":
        return None
    try:
        calls = json.loads(value) if isinstance(value, str) else value
        if isinstance(calls, str):
            calls = json.loads(calls)  # encoded twice
    except (ValueError, RecursionError):
        return Mended("tool_calls", None, "tool calls that are not JSON", sure=False)
    if isinstance(calls, list):
        once = isinstance(value, str) and value.lstrip()[:1] == "["
        if once:
            return None
        return Mended("tool_calls", json.dumps(calls), "tool calls encoded twice", sure=True)
    if isinstance(calls, dict) and ("function" in calls or "name" in calls):
        return Mended("tool_calls", json.dumps([calls]), "a tool call without a list", sure=True)
    return Mended("tool_calls", None, "tool calls that are not a list", sure=calls is None)


def _time(value: Value, neighbours: Neighbours, zone: tzinfo) -> Mended:
    kind = "an invalid time"
    for at in readings(value, zone):
        if neighbours.allow(at):
            return Mended("timestamp", at, kind, sure=True)
    known = neighbours.before if neighbours.before is not None else neighbours.after
    return Mended("timestamp", known, kind, sure=False)


def readings(value: Value, zone: tzinfo) -> Iterator[float]:
    """Yield what a value may mean as epoch seconds."""
    at = number(value)
    if at is not None:
        yield from (at / scale for scale in SCALES if EARLIEST <= at / scale <= MILLISECONDS)
        return
    written = text(value) or ""
    try:
        when = datetime.fromisoformat(written.strip())
    except ValueError:
        return
    try:
        yield (when if when.tzinfo is not None else when.replace(tzinfo=zone)).timestamp()
        if when.tzinfo is None:
            yield when.replace(tzinfo=UTC).timestamp()
    except (OverflowError, OSError, ValueError):
        return


def neighbours_of(scene: Scene, row: Row) -> Neighbours:
    """Return the times of the nearest messages of the session, by id, whose times are times.

    The session's own start and the present are bounds where there is no message.
    """
    columns: list[Value] = [row["session_id"], row["id"], EARLIEST, MILLISECONDS]
    good = "typeof(timestamp) IN ('real', 'integer') AND timestamp BETWEEN ? AND ?"
    base = f"SELECT timestamp FROM messages WHERE session_id = ? AND id {{}} ? AND {good}"
    before = scene.look.one(base.format("<") + " ORDER BY id DESC LIMIT 1", columns)
    after = scene.look.one(base.format(">") + " ORDER BY id LIMIT 1", columns)
    node = scene.node.get(text(row["session_id"]) or "")
    started = node.started_at if node is not None and is_time(node.started_at) else None
    return Neighbours(
        number(before[0]) if before else started, number(after[0]) if after else scene.now + LATEST
    )


def damaged_rows(scene: Scene) -> Iterable[Damaged]:
    """Yield every row with odd values, by id."""
    for row in rows_in(scene.look, scene.suspects.values):
        mended = mend_row(row, partial(neighbours_of, scene, row), scene.zone)
        if mended:
            yield Damaged(row, mended)


@check("MS004", "message-value-invalid", Severity.ERROR, Remedy.SAFE, stage=Stage.VALUES)
def message_value_invalid(scene: Scene) -> Iterator[Finding]:
    """Messages, or the row of a session, have values that Hermes cannot read.

    What it means: one byte that is not UTF-8, in a message or a title, makes the list of sessions,
    the export and the chat itself fail; a time in milliseconds puts a chat in the year 58000; tool
    calls that are not a JSON list are ignored.

    How it happens: another program or an import wrote to the database, or bytes were stored as they
    came (Hermes #67379, #102757, #48350).

    What repair does: invalid bytes become the character U+FFFD, bytes that are text become text,
    times get the unit that the messages around them prove, and a single tool call gets its list.
    The receipt keeps the old value, byte for byte.

    How safe it is: safe where the right value follows from the data. Otherwise (unreadable tool
    calls, a time that nothing proves) it is your decision, and done when you ask for it.
    """
    unreadable: dict[tuple[str, bool], list[Damaged]] = {}
    for damaged in damaged_rows(scene):
        session_id = text(damaged.row["session_id"]) or ""
        for sure in (True, False):
            if any(change.sure is sure for change in damaged.mended):
                unreadable.setdefault((session_id, sure), []).append(damaged)
    fix = partial(_write_readable, scene)
    for (session_id, sure), rows in sorted(unreadable.items()):
        kinds = _kinds(rows, sure=sure)
        possible = sure or any(_changes(row, sure=False) for row in rows)
        yield message_value_invalid.finding(
            {"kind": "session", "session_id": session_id},
            f"{count(len(rows), 'message')} {'has' if len(rows) == 1 else 'have'}"
            f" {', '.join(kinds)}.",
            REPAIR if sure else advice("If you want it: {}", repair_of(session_id)),
            remedy=(Remedy.SAFE if sure else Remedy.UNSAFE) if possible else Remedy.MANUAL,
            data={"kinds": kinds, "messages": len(rows), "derivable": sure},
            identity=(sure, len(rows), *kinds),
            sessions=1,
            messages=len(rows),
            fix=fix,
        )
    for session_id, columns in unreadable_labels(scene):
        kinds = ["invalid UTF-8"]
        yield message_value_invalid.finding(
            {"kind": "session", "session_id": session_id},
            f"its {' and '.join(columns)} {'is' if len(columns) == 1 else 'are'} not valid UTF-8,"
            " so every list of sessions fails.",
            REPAIR,
            data={"kinds": kinds, "columns": list(columns), "messages": 0, "derivable": True},
            identity=("session", *columns),
            sessions=1,
            fix=each(partial(_write_labels, scene, session_id, columns)),
        )


def _kinds(rows: Iterable[Damaged], *, sure: bool) -> list[str]:
    return sorted({change.kind for row in rows for change in row.mended if change.sure is sure})


def _changes(damaged: Damaged, *, sure: bool) -> dict[str, Value]:
    """Return the columns that change; a time that nothing is known of stays as it is."""
    return {
        change.column: change.value
        for change in damaged.mended
        if change.sure is sure and not (change.column == "timestamp" and change.value is None)
    }


def _write_readable(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Write the values that can be read; the rows are read once for all sessions."""
    rows: dict[str, list[Damaged]] = {}
    sessions = {finding.session_id for finding in findings}
    for damaged in damaged_rows(scene):
        session_id = text(damaged.row["session_id"]) or ""
        if session_id in sessions:
            rows.setdefault(session_id, []).append(damaged)
    for finding in findings:
        session_id, sure = finding.session_id or "", finding.remedy is Remedy.SAFE
        own = rows.get(session_id, [])
        actions = []
        for damaged in own:
            after = _changes(damaged, sure=sure)
            before = {column: damaged.row[column] for column in after}
            if after:
                key = {"id": damaged.row["id"]}
                actions.append(RowUpdate("messages", key, before, after))
        yield session_unit(
            finding,
            f"make {count(len(actions), 'message')} of {session_id} readable:"
            f" {', '.join(_kinds(own, sure=sure))}",
            actions,
            Safety.SAFE if sure else Safety.UNSAFE,
        )


def _write_labels(
    scene: Scene, session_id: str, columns: Sequence[str], finding: Finding
) -> Iterator[Unit]:
    """Write the texts of a session's own row that can be read."""
    summary = f"make {' and '.join(columns)} of {session_id} readable: invalid UTF-8"
    yield session_unit(
        finding, summary, [readable_labels(scene, session_id, tuple(columns))], Safety.SAFE
    )


NOT_HERE = frozenset({"id", "parent_session_id", "source", "model_config"})
"""What a session is known and found by, and what SE001 mends."""


def unreadable_labels(scene: Scene) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the sessions with such texts, and the columns that hold them."""
    columns = [column for column in scene.look.columns("sessions") if column not in NOT_HERE]
    listed = ", ".join(map(quote, ["id", *columns]))
    for session_id, *values in scene.look.scan(listed, "sessions"):
        bad = tuple(
            column
            for column, value in zip(columns, values, strict=True)
            if isinstance(value, RawText)
        )
        if bad and isinstance(session_id, str):
            yield session_id, bad


def readable_labels(scene: Scene, session_id: str, columns: tuple[str, ...]) -> RowUpdate:
    """Return the change that puts U+FFFD where these texts are no UTF-8; titles stay unique."""
    row = next(scene.look.rows_of("sessions", "id = ?", [session_id]))
    before = {column: row[column] for column in columns}
    after: dict[str, Value] = {}
    for column, value in before.items():
        data = value.data if isinstance(value, RawText) else b""
        after[column] = mended = data.decode("utf-8", "replace")
        while column == "title" and mended in scene.taken_titles:
            after[column] = mended = f"{mended}\ufffd"
    return RowUpdate("sessions", {"id": session_id}, before, after)
