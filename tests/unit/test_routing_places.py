"""Which chat leads where: the three places, their precedence, and what they hold when damaged."""

from __future__ import annotations

import json

import pytest

from hermes_repair.gateway_routing import (
    FileFaults,
    Route,
    Source,
    build_routing,
    file_faults,
    file_of,
    kept_entries,
)
from hermes_repair.model.values import RawText, Row
from tests.support import NO_ROUTING

KEY = "agent:main:telegram:dm:7"
SCOPE = "/home/x/.hermes/sessions"


def entry(session_id: str) -> dict[str, object]:
    return {"session_key": KEY, "session_id": session_id, "created_at": "2026-05-01T00:00:00"}


def gateway_row(session_id: str, key: str = KEY, scope: str = SCOPE) -> Row:
    return {"scope": scope, "session_key": key, "entry_json": json.dumps(entry(session_id))}


def test_sessions_json_alone_leads() -> None:
    data = {"_README": "a note", KEY: entry("s1"), "other": entry("s1")}
    routing = build_routing(json.dumps(data).encode())
    assert routing.keys_of("s1") == (KEY, "other")
    assert routing.is_live("s1") and not routing.is_live("s2")
    assert routing.live_ids == {"s1"}


def test_the_database_wins_and_the_file_fills_the_gaps() -> None:
    data = json.dumps({KEY: entry("old"), "only-in-file": entry("s3")}).encode()
    routing = build_routing(data, [gateway_row("new")], scope=SCOPE)
    assert routing.current[KEY] == Route(KEY, "new", Source.DATABASE)
    assert routing.keys_of("s3") == ("only-in-file",)
    assert not routing.is_live("old")


def test_another_scope_only_counts_where_nothing_else_does() -> None:
    rows = [gateway_row("far", scope="/elsewhere"), gateway_row("far2", "k2", "/elsewhere")]
    routing = build_routing(json.dumps({KEY: entry("here")}).encode(), rows, scope=SCOPE)
    assert routing.keys_of("here") == (KEY,)
    assert routing.current["k2"].source is Source.OTHER_SCOPE
    assert not routing.is_live("far")


def test_a_topic_binding_overrides_its_key() -> None:
    topic: Row = {"session_key": KEY, "session_id": "bound", "chat_id": "7", "thread_id": "1"}
    routing = build_routing(None, [gateway_row("lane")], [topic], scope=SCOPE)
    assert routing.keys_of("bound") == (KEY,)
    assert not routing.is_live("lane")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"\xff\xfe", b"[1]", b"true", b"null", b'{"a": ' * 100_000),
        json.dumps({"key": entry("s2")}).encode("utf-16"),
    ],
)
def test_a_file_that_cannot_be_read_leads_nowhere(data: bytes) -> None:
    routing = build_routing(data, [gateway_row("s1")], scope=SCOPE)
    assert routing.keys_of("s1") == (KEY,)
    assert routing.live_ids == {"s1"}


def test_damaged_entries_do_not_take_the_others_with_them() -> None:
    data = {"a": True, "b": {"session_key": "b"}, "c": {"session_id": 5}, "d": entry("s1")}
    rows: list[Row] = [
        {"scope": SCOPE, "session_key": "e", "entry_json": "{"},
        {"scope": SCOPE, "session_key": "f", "entry_json": None},
        {"scope": SCOPE, "session_key": "g", "entry_json": "[]"},
        {"scope": SCOPE, "session_key": None, "entry_json": "{}"},
        {"scope": SCOPE, "session_key": "h", "entry_json": b"\xff\xff\xff"},
    ]
    topics: list[Row] = [{"session_key": "i", "session_id": None}, {}]
    routing = build_routing(json.dumps(data).encode(), rows, topics, scope=SCOPE)
    assert routing.live_ids == {"s1"}
    assert routing.current.keys() == {"d"}


def test_a_key_that_is_not_utf8_keeps_its_identity() -> None:
    row: Row = {
        "scope": SCOPE,
        "session_key": RawText(b"k\xff"),
        "entry_json": '{"session_id":"s"}',
    }
    assert build_routing(None, [row], scope=SCOPE).keys_of("s") == ("k\udcff",)


def test_a_rows_own_key_ties_it_to_a_chat_without_leading_there() -> None:
    routing = build_routing(row_keys={"s1": KEY})
    assert routing.has_key("s1") and not routing.is_live("s1")
    assert not NO_ROUTING.has_key("s1")


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (b"{}", FileFaults(True)),
        (b'{"_README": "a note", "k": {"session_id": "s", "updated_at": "x"}}', FileFaults(True)),
        (b"", FileFaults(False)),
        (b"[]", FileFaults(False)),
        (b'{"k": {"session', FileFaults(False)),
        (b'{"k": "\xff"}', FileFaults(False)),
        (b"[" * 100_000, FileFaults(False)),
        (b'{"a": {}, "b": true, "c": {}, "d": []}', FileFaults(True, bad=2, after=2)),
        (b'{"a": {"session_id": 7}}', FileFaults(True, bad=1)),
        (b'{"a": {"session_id": "s", "updated_at": 5}, "b": {}}', FileFaults(True, 1, 1)),
    ],
)
def test_faults_of_the_file(data: bytes, faults: FileFaults) -> None:
    assert file_faults(data) == faults


WHOLE = {"_README": "a note", "a": {"session_id": "1"}, "b": {"session_id": "2 — ü"}, "c": {}}
LAID = file_of(WHOLE)
B, C = LAID.index(b'"b"'), LAID.index(b'"c"')


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (LAID, ["_README", "a", "b", "c"]),
        (LAID[:C], ["_README", "a", "b"]),
        (LAID[: C - 10], ["_README", "a"]),
        (LAID[:B] + bytes(9) + LAID[B + 9 :], ["_README", "a", "c"]),
        (LAID.replace(b"},", b"}", 1), ["_README", "a", "b", "c"]),  # a comma forgotten
        (LAID[:-1] + b",\n}", ["_README", "a", "b", "c"]),
        (LAID[:B] + b"\xff" + LAID[B + 1 :], ["_README", "a", "c"]),
        (b"\xef\xbb\xbf" + LAID, ["_README", "a", "b", "c"]),
        (b'{"a": {"session_id": "1"}, "b": true, "c": {"session_id": 3}}', ["a"]),
        (b'{"a": {"display_name": "\xff"}, "b": {}', ["b"]),
        (b'["a", {}', []),
        (bytes(4096), []),
        (b"{" + b'\n  "a": {' * 20_000, []),
    ],
)
def test_whole_entries_of_a_damaged_file(data: bytes, kept: list[str]) -> None:
    entries = kept_entries(data)
    assert list(entries) == kept
    assert all(entries[key] == WHOLE[key] for key in kept if LAID[:9] == data[:9])


def test_a_file_cut_anywhere_keeps_only_what_is_whole() -> None:
    for length in range(len(LAID)):
        kept = kept_entries(LAID[:length])
        assert kept.items() <= WHOLE.items()
