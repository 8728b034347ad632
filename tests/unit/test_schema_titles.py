"""Shared titles: every session keeps one, the newest row keeps its own."""

from __future__ import annotations

import re

from hermes_repair.model.values import RawText
from hermes_repair.schema.data_steps import read_title_updates, title_updates
from tests.homes.database import structured
from tests.unit.schema_support import asking, structure_of


def test_names_are_unique_and_never_look_like_a_continuation() -> None:
    rows = [
        (5, "e", "Plans #2", 1_777_000_000.0),
        (4, "d", "Plans #2", 1_777_000_000.0),
        (3, "c", "Plans #2", 1_777_000_000.0),
        (2, "b", "", None),
        (1, "a", "", "never"),
    ]
    taken = {"Plans #2", "Plans (older, 2026-04-24)", ""}
    updates = title_updates(rows, taken)
    given = [str(update.after["title"]) for update in updates]
    assert [update.key for update in updates] == [{"id": "d"}, {"id": "c"}, {"id": "a"}]
    assert given[0].startswith("Plans (older")
    assert len({*given, "Plans (older, 2026-04-24)"}) == 4
    assert not any(re.search(r" #\d+$", name) for name in given)
    assert all(update.before["title"] in ("Plans #2", "") for update in updates)


def test_bytes_that_are_no_text_are_kept_in_the_before_image() -> None:
    title = RawText(b"caf\xe9")
    (update,) = title_updates([(2, "b", title, 1.0), (1, None, title, 1.0)], {"x"})
    assert update.key == {"rowid": 1}
    assert update.before == {"title": title}
    assert update.after["title"] == "caf\ufffd (older, 1970-01-01)"


def test_only_sharers_are_read_and_only_where_the_index_is_missing() -> None:
    connection = structured("13")
    asked: list[str] = []
    query = asking(connection)

    def watched(sql: str, parameters: object) -> object:
        asked.append(sql)
        return query(sql, ())

    assert read_title_updates(watched, structure_of(connection)) == ()  # type: ignore[arg-type]
    assert asked == []
    old = structured("01")
    assert read_title_updates(asking(old), structure_of(old)) == ()
