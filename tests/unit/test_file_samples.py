"""Files that a sample or a digest tells apart, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from hermes_repair.host.file_samples import digest, sample


def test_a_sample_tells_sizes_ends_and_pieces_apart(tmp_path: Path) -> None:
    data = Random(14).randbytes(1 << 20)
    (tmp_path / "a").write_bytes(data)
    mark = sample(tmp_path / "a")
    for changed in (
        data + b"x",
        data[:-1] + bytes([data[-1] ^ 1]),
        bytes([data[0] ^ 1]) + data[1:],
        data[: 1 << 19] + bytes([data[1 << 19] ^ 1]) + data[(1 << 19) + 1 :],
    ):
        (tmp_path / "b").write_bytes(changed)
        assert sample(tmp_path / "b") != mark
        assert digest(tmp_path / "b") != digest(tmp_path / "a")
    (tmp_path / "b").write_bytes(data)
    assert sample(tmp_path / "b") == mark and digest(tmp_path / "b") == digest(tmp_path / "a")


def test_a_digest_tells_what_a_sample_may_not(tmp_path: Path) -> None:
    data = Random(14).randbytes(4 << 20)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    assert sample(tmp_path / "a") == sample(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_empty_files_and_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"")
    assert sample(tmp_path / "a") == sample(tmp_path / "b")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OSError):
            sample(path)
        with pytest.raises(OSError):
            digest(path)
