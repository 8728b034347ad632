"""host.raw: bytes of databases, read by a child that never opens SQLite."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.host import byte_reader, byte_worker
from hermes_repair.host.byte_reader import WorkerFailed, copy_files, probe, same_files
from tests.unit.host_helpers import as_nobody, child, make_database

pytestmark = pytest.mark.byte_worker
READ_HOLDERS = """
import sys
from pathlib import Path
from hermes_repair.host import probe
print(sorted({h.pid for h in probe(Path(sys.argv[1])).holders}))
"""


def test_probe_tells_what_the_header_says(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db", "wal")
    facts = probe(path)
    status = path.stat()
    assert facts.is_sqlite and facts.wal_mode and facts.locks_known
    assert (facts.main.size, facts.main.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert (facts.main.inode, facts.main.device) == (status.st_ino, status.st_dev)
    assert (facts.main.uid, facts.main.mode, facts.main.links) == (
        status.st_uid,
        status.st_mode & 0o7777,
        1,
    )
    assert [f.kind for f in facts.sidecars] == ["absent"] * 3
    assert facts.holders == ()


def test_probe_of_delete_mode_and_its_sidecars(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db", "delete")
    journal = tmp_path / "state.db-journal"
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + b"x" * 60)
    facts = probe(path)
    assert facts.is_sqlite and not facts.wal_mode
    assert facts.journal.size == 68
    assert facts.journal.head == journal.read_bytes()[:32]


def test_probe_looks_beside_the_file_that_a_link_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = make_database(tmp_path / "real" / "other.db")
    (tmp_path / "real" / "other.db-wal").write_bytes(b"w")
    link = tmp_path / "state.db"
    link.symlink_to(real)
    facts = probe(link)
    assert facts.real == real
    assert facts.wal.path == tmp_path / "real" / "other.db-wal" and facts.wal.size == 1


def test_probe_of_what_is_no_database(tmp_path: Path) -> None:
    absent = probe(tmp_path / "state.db")
    assert absent.main.kind == "absent" and not absent.main.exists and not absent.locks_known
    (tmp_path / "empty.db").touch()
    empty = probe(tmp_path / "empty.db")
    assert empty.main.kind == "file" and not empty.is_sqlite
    (tmp_path / "text.db").write_text("SQLite format 3, but not really")
    assert not probe(tmp_path / "text.db").is_sqlite
    os.mkfifo(tmp_path / "pipe.db")
    assert probe(tmp_path / "pipe.db").main.kind == "other"
    assert probe(tmp_path).main.kind == "other"
    assert probe(tmp_path / "text.db" / "state.db").main.kind == "absent"


def test_probe_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/st\xff\x80\nate.db"))
    make_database(tmp_path / "plain.db").rename(path)
    facts = probe(path)
    assert facts.is_sqlite and facts.real == path


def test_probe_names_the_writer(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db", "delete")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert probe(path).holders == ()  # an idle connection shows no lock in this mode
        connection.execute("BEGIN IMMEDIATE")
        holders = probe(path).holders
        # Its shared lock, and the reserved one of a writer.
        assert [(h.file, h.pid) for h in holders] == [("main", os.getpid())] * 2


def test_probe_keeps_our_own_locks_and_a_read_of_ours_would_not(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db", "wal")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM t").fetchone()
        probe(path)
        copy_files([(path, tmp_path / "copy.db")])
        assert child(READ_HOLDERS, str(path)).strip() == f"[{os.getpid()}]"
        path.read_bytes()  # what no code of ours may do
        (tmp_path / "state.db-shm").read_bytes()
        assert child(READ_HOLDERS, str(path)).strip() == "[]"


def test_probe_as_a_user_who_may_not_read(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db")
    for folder in (tmp_path, *list(tmp_path.parents)[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    path.chmod(0o600)
    code = """
    f = host.probe(Path(sys.argv[1]))
    print(f.main.kind, f.main.errno, f.locks_known, f.main.size > 0, f.is_sqlite)
    """
    assert as_nobody(code, str(path)).split() == [
        "file",
        str(errno.EACCES),
        "False",
        "True",
        "False",
    ]
    tmp_path.chmod(0o700)
    assert as_nobody(code, str(path)).split() == [
        "unknown",
        str(errno.EACCES),
        "False",
        "False",
        "False",
    ]


def test_copy_files(tmp_path: Path) -> None:
    source = tmp_path / "state.db"
    source.write_bytes(os.urandom(3_000_001))
    source.chmod(0o644)
    pairs = [
        (source, tmp_path / "copy.db"),
        (tmp_path / "state.db-wal", tmp_path / "copy.db-wal"),
    ]
    before = source.stat()
    copy_files(pairs)
    assert (tmp_path / "copy.db").read_bytes() == source.read_bytes()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy.db-wal").exists()
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    copy_files([(source, tmp_path / "other.db")], fsync=False)
    assert (tmp_path / "other.db").read_bytes() == source.read_bytes()


def test_copy_of_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    copy_files([(tmp_path / "a", tmp_path / "b")])
    assert (tmp_path / "b").read_bytes() == b""


def test_copy_never_overwrites_and_takes_its_own_back(tmp_path: Path) -> None:
    for name in ("a", "b", "taken"):
        (tmp_path / name).write_text(name)
    with pytest.raises(FileExistsError) as caught:
        copy_files([(tmp_path / "a", tmp_path / "new"), (tmp_path / "b", tmp_path / "taken")])
    assert caught.value.filename == str(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "taken"
    assert not (tmp_path / "new").exists()


def test_copy_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    code = """
    import errno, resource, sys
    from pathlib import Path
    from hermes_repair.host import copy_files
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        copy_files([(Path(sys.argv[1]), Path(sys.argv[2]))])
    except OSError as error:
        print(errno.errorcode[error.errno], error.filename)
    """
    target = tmp_path / "b"
    assert child(code, str(tmp_path / "a"), str(target)).split() == ["EFBIG", str(target)]
    assert not target.exists()


@pytest.mark.parametrize("way", [byte_worker.copy_range, byte_worker.copy_plain])
def test_each_way_of_copying_copies_all(tmp_path: Path, way: object) -> None:
    assert callable(way)
    data = os.urandom(2 * byte_worker.CHUNK + 17)
    (tmp_path / "a").write_bytes(data)
    with (tmp_path / "a").open("rb") as reader, (tmp_path / "b").open("wb") as writer:
        assert way(reader.fileno(), writer.fileno())
    assert (tmp_path / "b").read_bytes() == data


def test_same_files(tmp_path: Path) -> None:
    data = os.urandom(byte_worker.CHUNK + 5)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_bytes(data)
    assert same_files(tmp_path / "a", tmp_path / "b")
    changed = bytearray(data)
    changed[byte_worker.CHUNK + 2] ^= 1
    (tmp_path / "b").write_bytes(changed)
    assert not same_files(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b").write_bytes(data[:-1])
    assert not same_files(tmp_path / "a", tmp_path / "b")
    assert not same_files(tmp_path / "b", tmp_path / "a")
    (tmp_path / "b").write_bytes(data + b"\0")
    assert not same_files(tmp_path / "a", tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        same_files(tmp_path / "a", tmp_path / "c")


def test_a_worker_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker.py"
    monkeypatch.setattr(byte_reader, "WORKER", script)
    script.write_text("import time; time.sleep(30)")
    monkeypatch.setattr(byte_reader, "LOOK_SECONDS", 0.3)
    with pytest.raises(WorkerFailed, match="did not answer"):
        probe(tmp_path)
    script.write_text("raise SystemExit('broken')")
    with pytest.raises(WorkerFailed, match="broken"):
        copy_files([])


def test_the_worker_needs_nothing_of_ours_and_no_sqlite() -> None:
    text = Path(byte_worker.__file__).read_text(encoding="utf-8")
    assert "hermes_repair" not in text.replace(":mod:`hermes_repair.host.byte_reader`", "")
    code = "import json, runpy, sys; runpy.run_path(sys.argv[1]); print('sqlite3' in sys.modules)"
    assert child(code, byte_worker.__file__).strip() == "False"


def test_journal_of_a_commit_that_ends_meanwhile_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_database(tmp_path / "state.db", "delete")
    journal = tmp_path / "state.db-journal"
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    asked = byte_worker.lock_holder

    def committed(*range_: int) -> int | None:
        journal.unlink(missing_ok=True)  # the writer is done between the look and the question
        return asked(*range_)

    monkeypatch.setattr(byte_worker, "lock_holder", committed)
    assert byte_worker.probe(bytes(database))["files"][3]["kind"] == "absent"
