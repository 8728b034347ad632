"""Texts of ``sessions`` that are no UTF-8: one of them makes every list of sessions fail (MS004).

Hermes reads whole rows, so a title or a system prompt with one bad byte is enough (0.13.0 to
0.19.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.values import RawText, Value
from hermes_repair.store.connections import quote

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
