"""Which files a home holds, odd names and odd entries included; and the two JSON shapes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.transcripts.session_files import (
    FileKind,
    LogFile,
    list_sessions,
    list_spool,
    read_log,
    read_spooled,
    spooled_session,
)
from hermes_repair.transcripts.source_bytes import digested_record, read_record
from tests.unit.transcripts_model import key_of


def test_files_are_told_by_their_names(tmp_path: Path) -> None:
    names = {
        "20260502_100000_ab12cd34.jsonl": (FileKind.TRANSCRIPT, "20260502_100000_ab12cd34"),
        "agent:main.odd id.jsonl": (FileKind.TRANSCRIPT, "agent:main.odd id"),
        "session_s1.json": (FileKind.LOG, "s1"),
        "request_dump_s1_x_20260502_100000_123456.json": (FileKind.DUMP, "s1_x"),
        "sessions.json": None,
        ".jsonl": None,
        "session_.json": None,
        "notes.txt": None,
        ".sessions_x.tmp": None,
    }
    for name in names:
        (tmp_path / name).write_text("{}")
    found = {file.path.name: (file.kind, file.session_id) for file in list_sessions(tmp_path).files}
    assert found == {name: meaning for name, meaning in names.items() if meaning}
    file = list_sessions(tmp_path).files[0]
    assert (file.size, file.problem) == (2, None)
    assert file.mtime_ns == file.path.stat().st_mtime_ns


ID = "20260502_100000_ab12cd34"


@pytest.mark.parametrize(
    "name",
    [
        "{}.bak",
        "{}.bak2",
        "{}.bak.old",
        "{}-copy",
        "{}_backup",
        "{}~",
        ".{}",
        "._{}",
        "{} (1)",
        "{} 2",
        "{} copy 3",
        "{} - Copy (2)",
        "Copy of {}",
        "Copy (2) of {}",
        "{}.sync-conflict-20260502-101500-ABCDEFG",
        "{}_conflict-20260502-101500",
        "{} (Jo's conflicted copy 2026-05-02)",
        "{} (SFConflict jo@example.org 2026-05-02-10-15-00)",
    ],
)
def test_a_copy_of_a_transcript_is_told_by_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name.format(ID)}.jsonl").write_text("{}")
    (file,) = list_sessions(tmp_path).files
    assert (file.kind, file.session_id) == (FileKind.COPY, ID)


def test_what_only_looks_like_a_copy_is_a_session(tmp_path: Path) -> None:
    names = [f"{ID}.jsonl", "20260502_100000.jsonl", "notes-copy.jsonl", "work 2.jsonl"]
    for name in [*names, "copy.jsonl"]:
        (tmp_path / name).write_text("{}")
    found = {file.path.stem: file for file in list_sessions(tmp_path).files}
    assert {file.kind for file in found.values()} == {FileKind.TRANSCRIPT}
    (tmp_path / "notes.jsonl").write_text("{}")
    found = {file.path.stem: file for file in list_sessions(tmp_path).files}
    assert (found["notes-copy"].kind, found["notes-copy"].session_id) == (FileKind.COPY, "notes")
    assert found["work 2"].kind is FileKind.TRANSCRIPT


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "fifo.jsonl")
    (tmp_path / "broken.jsonl").symlink_to("nowhere")
    (tmp_path / "real.txt").write_text("{}")
    (tmp_path / "link.jsonl").symlink_to("real.txt")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl")).write_text("{}")
    problems = {file.path.name: file.problem for file in list_sessions(tmp_path).files}
    assert problems == {
        "folder.jsonl": "it is a folder",
        "fifo.jsonl": "it is not a regular file",
        "broken.jsonl": "it is a broken link",
        "link.jsonl": None,
        "caf\udce9.jsonl": "its name is not UTF-8",
    }


def test_folders_that_are_not_there_or_no_folders(tmp_path: Path) -> None:
    assert list_sessions(tmp_path / "absent") == list_spool(tmp_path / "absent")
    assert list_sessions(tmp_path / "absent").problem is None
    (tmp_path / "file").write_text("")
    assert list_sessions(tmp_path / "file").problem == "it is not a folder"


def test_without_permission(open_folder: Path) -> None:
    """As another user (CI runs as root, whom nothing stops)."""
    reading, writing = os.pipe()
    for part in ("closed", "open"):
        (open_folder / part).mkdir()
    (open_folder / "open" / "s.jsonl").write_text("{}")
    (open_folder / "open" / "s.jsonl").chmod(0)
    (open_folder / "closed").chmod(0)
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        closed = list_sessions(open_folder / "closed").problem
        opened = [file.problem for file in list_sessions(open_folder / "open").files]
        os.write(writing, json.dumps([closed, opened]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    (open_folder / "closed").chmod(0o755)
    assert json.loads(os.read(reading, 4096)) == ["Permission denied", ["no permission to read it"]]


MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": 'a "quoted" [text] {with} é 😀 \\ and "messages": ['},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "messages": [{"role": "x"}]}]},
    {"role": "tool", "content": "ok", "tool_call_id": "c"},
]
HEADER = {"session_id": "s1", "model": "m", "system_prompt": '"messages": [{', "message_count": 3}


def check(log: LogFile, messages: list[dict[str, Any]]) -> None:
    """The messages are there, each readable again by its bytes."""
    sequence = log.sequence
    assert sequence.keys == [key_of(message) for message in messages]
    for index, message in enumerate(messages):
        offset, length = sequence.offsets[index], sequence.lengths[index]
        _, sha256 = digested_record(sequence.path, offset, length)
        assert read_record(sequence.path, offset, length, sha256) == message


@pytest.mark.parametrize("indent", [None, 2])
def test_a_session_log(indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "session_s1.json"
    document = {**HEADER, "messages": MESSAGES, "extra": {"messages": [{"role": "user"}]}}
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=False))
    log = read_log(path)
    check(log, MESSAGES)
    assert {name: log.header[name] for name in HEADER} == HEADER
    assert log.header["messages"] == [{}] * 3
    assert log.sequence.bad == []


def test_a_torn_log_keeps_its_whole_messages(tmp_path: Path) -> None:
    path = tmp_path / "session_s1.json"
    data = json.dumps({**HEADER, "messages": MESSAGES}).encode()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        log = read_log(path)
        good = len(log.sequence)
        check(log, MESSAGES[:good])
        assert [line.reason for line in log.sequence.bad] == (["torn"] if size else [])
        assert log.header == {}
    path.write_bytes(data[:-2])
    assert len(read_log(path).sequence) == 3


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"\xff\xfe", b'{"messages": 5}', b"}{", b'"']
)
def test_what_is_no_log_has_no_messages(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "session_s1.json"
    path.write_bytes(data)
    assert len(read_log(path).sequence) == 0


def test_spooled_messages(tmp_path: Path) -> None:
    path = tmp_path / "pending-1.json"
    drop = {
        "session_key": "s1",
        "reason": "transcript_cap_drop",
        "ts": 1777716001,
        "seq": 3,
        "data": {"session_id": "s1", "message": MESSAGES[1]},
    }
    path.write_text(json.dumps(drop))
    log = read_spooled(path)
    check(log, [MESSAGES[1]])
    assert spooled_session(log.header) == "s1"
    assert (log.header["ts"], log.header["seq"]) == (1777716001, 3)

    held = {"session_key": "agent:main:telegram:1", "reason": "shutdown", "data": {"text": "hi"}}
    path.write_text(json.dumps(held))
    log = read_spooled(path)
    assert (len(log.sequence), spooled_session(log.header)) == (0, None)

    history = {"reason": "shutdown-with-unpersisted-agent-history", "session_id": "s2"}
    path.write_text(json.dumps({**history, "messages": MESSAGES}))
    log = read_log(path)
    check(log, MESSAGES)
    assert spooled_session(log.header) == "s2"
    assert [file.kind for file in list_spool(tmp_path).files] == [FileKind.SPOOL]
