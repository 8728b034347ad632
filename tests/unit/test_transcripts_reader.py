"""Reading a transcript: every message that is there, every damaged place with its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hermes_repair.host.regular_files import open_regular
from hermes_repair.transcripts.reader import (
    BadLine,
    Line,
    TranscriptReader,
    decode_exactly,
    split_line,
)
from hermes_repair.transcripts.sequences import read_sequence
from hermes_repair.transcripts.source_bytes import SourceChanged, digested_record, read_record


def encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text, "timestamp": "2026-05-02T10:00:01.5"}


def read(path: Path) -> list[Line | BadLine]:
    return list(TranscriptReader(path))


def texts(records: list[Line | BadLine]) -> list[str]:
    """Return what was read: contents of messages, reasons of damaged places in angle brackets."""
    return [
        f"<{record.reason}>" if isinstance(record, BadLine) else record.message["content"]
        for record in records
    ]


def check_bytes(data: bytes, records: list[Line | BadLine]) -> None:
    """Each record's bytes are its message; records are in order and do not overlap."""
    end = 0
    for record in records:
        assert record.offset >= end
        end = record.offset + record.length
        piece = data[record.offset : end]
        assert len(piece) == record.length
        if isinstance(record, Line):
            assert json.loads(piece) == record.message or "NaN" in piece.decode()
    assert end <= len(data)


A, B, C = (encoded(said(text)) for text in ("alpha é", "beta 😀", "gamma"))

CASES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", []),
    "blank lines": (b"\n \n\r\n" + A + b"\n\n", ["alpha é"]),
    "lf": (A + b"\n" + B + b"\n", ["alpha é", "beta 😀"]),
    "crlf": (A + b"\r\n" + B + b"\r\n", ["alpha é", "beta 😀"]),
    "no last newline": (A + b"\n" + B, ["alpha é", "beta 😀"]),
    "bom": (b"\xef\xbb\xbf" + A + b"\n" + B + b"\n", ["alpha é", "beta 😀"]),
    "bom of a joined file": (A + b"\n\xef\xbb\xbf" + B + b"\n", ["alpha é", "beta 😀"]),
    "spaces around": (b"  " + A + b" \t\n", ["alpha é"]),
    "torn last": (A + b"\n" + B[:30], ["alpha é", "<not valid JSON>"]),
    "torn in a character": (A + b"\n" + A[:36], ["alpha é", "<not UTF-8>"]),
    "glued": (A + B + b"\n" + C, ["alpha é", "beta 😀", "gamma"]),
    "three glued": (A + B + C + b"\n", ["alpha é", "beta 😀", "gamma"]),
    "glued with space": (A + b" " + B + b"\n", ["alpha é", "beta 😀"]),
    "torn then glued": (A[:30] + B + b"\n" + C, ["<not valid JSON>", "beta 😀", "gamma"]),
    "torn in a character then glued": (A[:36] + B + b"\n", ["<not UTF-8>", "beta 😀"]),
    "glued then torn": (A + B[:20] + b"\n" + C, ["alpha é", "<not valid JSON>", "gamma"]),
    "torn, glued, torn": (
        A[:20] + B + C[:20] + b"\n",
        ["<not valid JSON>", "beta 😀", "<not valid JSON>"],
    ),
    "two torn": (A[:20] + B[:20] + C + b"\n", ["<not valid JSON>", "gamma"]),
    "nul at the end": (A + b"\n" + b"\0" * 4000, ["alpha é", "<NUL bytes>"]),
    "nul before": (b"\0" * 4000 + A + b"\n" + B, ["<NUL bytes>", "alpha é", "beta 😀"]),
    "nul between": (
        A + b"\n" + B[:10] + b"\0" * 99 + C + b"\n",
        ["alpha é", "<not valid JSON>", "gamma"],
    ),
    "nul alone on a line": (A + b"\n\0\0\n" + B + b"\n", ["alpha é", "<NUL bytes>", "beta 😀"]),
    "bad utf-8": (A.replace(b"alpha", b"al\xffa") + b"\n" + B, ["<not UTF-8>", "beta 😀"]),
    "not an object": (b'[1]\n"x"\nnull\n5\n' + A, ["<not an object>"] * 4 + ["alpha é"]),
    "not json": (b"hello\n" + A, ["<not valid JSON>", "alpha é"]),
    "a stray brace": (A + b"}\n" + B, ["alpha é", "<not valid JSON>", "beta 😀"]),
    "a line without its begin glued": (A + B[1:] + b"\n", ["alpha é", "<not valid JSON>"]),
    "deep": (b'{"role": ' + b"[" * 200_000 + b"\n" + A, ["<nested too deeply>", "alpha é"]),
    "nan": (b'{"role": "user", "content": NaN, "x": 1}\n' + A, [float("nan"), "alpha é"]),  # type: ignore[list-item]
    "surrogate": (b'{"role": "user", "content": "a\\ud800"}\n', ["a\ud800"]),
}


@pytest.mark.parametrize("name", CASES)
def test_damage(name: str, tmp_path: Path) -> None:
    data, expected = CASES[name]
    path = tmp_path / "s.jsonl"
    path.write_bytes(data)
    records = read(path)
    assert [str(text) for text in texts(records)] == [str(text) for text in expected]
    check_bytes(data, records)
    assert path.read_bytes() == data


def test_a_message_inside_a_torn_one_is_not_taken_for_its_own() -> None:
    inner = b'{"role": "assistant", "content": "an item of a list"}'
    torn = b'{"role": "assistant", "items": [' + inner + b', {"x": "cut'
    assert [type(record) for record in split_line(torn, 0)] == [BadLine]
    nested = b'{"role": "assistant", "inner": ' + inner
    assert [type(record) for record in split_line(nested, 0)] == [BadLine]


@pytest.mark.parametrize(
    "piece",
    [b'{"role": ', b'{"role": "x", "y": [', b'{"role": "user', b'{"role": {"role":', b"{", b"\xff"],
)
def test_hostile_lines_take_bounded_time(piece: bytes) -> None:
    begin = time.perf_counter()
    records = split_line(piece * (4_000_000 // len(piece)) + A, 0)
    assert time.perf_counter() - begin < 10
    assert sum(record.length for record in records) <= 4_000_000 + len(A)


def test_one_bad_line_never_costs_another(tmp_path: Path) -> None:
    lines = [encoded(said(f"message {number}")) for number in range(300)]
    for number in range(0, 300, 3):
        lines[number] = lines[number][: 5 + number % 40]
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    good = [text for text in texts(read(path)) if text.startswith("message")]
    assert good == [f"message {number}" for number in range(300) if number % 3]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_cut_the_rest_is_read(data: st.DataObject) -> None:
    """Cut one stretch out of a file: every line outside it is read, all bytes are accounted for."""
    lines = [encoded(said(text)) for text in data.draw(st.lists(st.text(), min_size=1, max_size=8))]
    whole = b"\n".join(lines) + b"\n"
    low = data.draw(st.integers(0, len(whole)))
    high = data.draw(st.integers(low, len(whole)))
    # What follows one of these could be a part of the torn message and is left alone.
    assume(not whole[:low].rstrip().endswith((b"[", b",", b":")))
    cut = whole[:low] + whole[high:]
    records: list[Line | BadLine] = []
    offset = 0
    for piece in cut.splitlines(keepends=True) if b"\r" not in cut else cut.split(b"\n"):
        records += split_line(piece, offset)
        offset += len(piece) + (b"\r" in cut)
    check_bytes(cut, records)
    starts = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]
    untouched = [
        json.loads(line)["content"]
        for line, start in zip(lines, starts, strict=True)
        if start + len(line) <= low or start >= high
    ]
    found = [record.message.get("content") for record in records if isinstance(record, Line)]
    remaining = iter(found)
    assert all(text in remaining for text in untouched)


def test_a_huge_line_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    huge = b'{"role": "user", "content": "' + b"x" * 50_000_000 + b'"}\n'
    path.write_bytes(A + b"\n" + huge + B + b"\n")
    tracemalloc.start()
    records = list(TranscriptReader(path, max_line=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert texts(records) == ["alpha é", "<too large>", "beta 😀"]
    assert records[1].length == len(huge)
    assert peak < 20_000_000


def test_a_file_that_grows_counts_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(A + b"\n" + B[:10])
    reader = TranscriptReader(path)
    found = []
    for record in reader:
        found.append(record)
        with path.open("ab") as file:
            file.write(B[10:] + b"\n" + C + b"\n")
    assert texts(found) == ["alpha é", "<being written>"]
    assert (reader.size, reader.grew, reader.changed) == (len(A) + 11, True, False)


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes((A + b"\n") * 5)
    reader = TranscriptReader(path)
    for _ in reader:
        os.truncate(path, 10)
    assert reader.changed
    assert not reader.grew


def test_what_is_no_regular_file_is_an_error_and_does_not_hang(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.jsonl"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "absent.jsonl")


def test_a_record_is_read_again_exactly_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    huge = {"role": "user", "content": "é", "number": 10**40}
    path.write_bytes(A + b"\n" + encoded(huge) + b"\r\n")
    line = read(path)[1]
    message, sha256 = digested_record(path, line.offset, line.length)
    assert message == huge
    assert sha256 == hashlib.sha256(encoded(huge)).hexdigest()
    assert read_record(path, line.offset, line.length, sha256) == huge
    data = bytearray(path.read_bytes())
    data[line.offset + 30] ^= 1
    path.write_bytes(data)
    with pytest.raises(SourceChanged):
        read_record(path, line.offset, line.length, sha256)
    os.truncate(path, line.offset + 3)
    with pytest.raises(SourceChanged):
        read_record(path, line.offset, line.length, sha256)


def test_exact_decoding_keeps_huge_integers() -> None:
    assert decode_exactly(b'{"n": 123456789012345678901234567890}') == {
        "n": 123456789012345678901234567890
    }
    for data in (b"[1]", b"null", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"^(not|nested)"):
            decode_exactly(data)


def test_a_sequence_keeps_what_a_comparison_needs(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    meta = {"role": "session_meta", "tools": [], "model": "m", "platform": "telegram"}
    observed = {**said("[n|u]\nhi"), "message_id": "m-9", "timestamp": "2026-05-02T08:00:02+00:00"}
    odd = {"role": 5, "content": "x"}
    path.write_bytes(b"\n".join(map(encoded, (meta, said("a"), odd, observed, {"role": "system"}))))
    sequence = read_sequence(path)
    assert len(sequence) == 2
    assert sequence.meta == ("telegram", "m")
    assert [line.reason for line in sequence.bad] == ["no role"]
    assert sequence.bad_before == [1]
    assert sequence.platform_ids == {1: "m-9"}
    assert (sequence.time(0), sequence.is_aware(0)) == (1777716001.5, False)
    assert (sequence.time(1), sequence.is_aware(1)) == (1777708802.0, True)
    assert sequence.size == path.stat().st_size
    with open_regular(path) as file:
        file.seek(sequence.offsets[1])
        assert json.loads(file.read(sequence.lengths[1])) == observed
