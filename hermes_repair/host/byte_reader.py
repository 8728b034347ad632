"""Reads and copies database files as bytes, through a child process that never opens SQLite.

Why a child: see :mod:`hermes_repair.host.byte_worker`. Every function starts one, waits for its
answer, and raises :class:`OSError` as the child met it (errno, message, path) or
:class:`WorkerFailed` when the child did not answer at all.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hermes_repair.host.observations import (
    Descriptors,
    FileFacts,
    LockHolder,
    PageOne,
    RawFacts,
    WalFacts,
)
from hermes_repair.model.errors import HermesRepairError

WORKER = Path(__file__).with_name("byte_worker.py")
LOOK_SECONDS = 20.0  # a look that takes longer hangs on a filesystem that does not answer


class WorkerFailed(HermesRepairError):
    """The child process that reads database bytes gave no answer."""


def probe(path: Path) -> RawFacts:
    """Return the facts of a database file and its sidecars.

    Absent files and files that may not be read are facts, not errors.
    """
    return _facts(_ask(["probe", os.fspath(path)], LOOK_SECONDS))


def look(*paths: Path) -> list[tuple[RawFacts, Descriptors]]:
    """Return the facts of :func:`probe` and, in the same breath, who shows it open under /proc."""
    return [
        (
            _facts(answer),
            Descriptors(
                known=answer["proc"],
                open=tuple(
                    (pid, suffix.decode(), deleted) for pid, suffix, deleted in answer["open"]
                ),
                denied=tuple(answer["denied"]),
                lock_lines=None if answer["lock_lines"] is None else tuple(answer["lock_lines"]),
            ),
        )
        for answer in _ask(["look", *map(os.fspath, paths)], LOOK_SECONDS)
    ]


def copy_files(
    pairs: Iterable[tuple[Path, Path]], *, fsync: bool = True, descriptors: bool = False
) -> None:
    """Copy each source to its target: a new file of mode 0600, shared extents where possible.

    With ``fsync`` the files and then their folders are on disk before this returns. A missing
    source is left out; an existing target, a full disk or a refused permission raises OSError and
    removes what this call had made. ``descriptors``: the sources are such below /proc.
    """
    paths = [os.fspath(path) for pair in pairs for path in pair]
    _ask(["copy", f"-{'f' * fsync}{'d' * descriptors}", *paths], None)


@contextmanager
def held(*databases: Path) -> Iterator[bool]:
    """Hold every lock of SQLite's on these databases, and yield whether nobody else has one.

    A child process has the locks, so that no other descriptor of ours can drop them: SQLite reads
    and writes none of these files until this ends, whoever asks it to.
    """
    child = _start(["hold", *map(os.fspath, databases)], subprocess.PIPE)
    try:
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        answer = child.stdout.readline()
        if not answer:
            child.wait()
            raise _failed(child, child.stderr.read())
        yield bool(_answer(answer))
    finally:
        child.communicate()  # closes its stdin, which ends it


def same_files(left: Path, right: Path) -> bool:
    """Whether two files are the same to the byte."""
    return bool(_ask(["compare", os.fspath(left), os.fspath(right)], None))


def read_wal(main: Path, wal: Path) -> WalFacts:
    """Return what the first page is in a database and in each commit of the -wal beside it."""
    answer = _ask(["wal", os.fspath(main), os.fspath(wal)], None)
    return WalFacts(
        main=PageOne(answer["main"]),
        written=tuple(map(PageOne, answer["first"])),
        sizes=tuple(answer["sizes"]),
        page_size=answer["page_size"],
    )


def _ask(arguments: Sequence[str], seconds: float | None) -> Any:
    """Run one operation of the worker and return its answer as it wrote it."""
    child = _start(arguments, subprocess.DEVNULL)
    try:
        output, trouble = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()  # not waited for: a child stuck in a dead filesystem cannot end yet
        raise WorkerFailed(
            f"The filesystem did not answer within {seconds:.0f} seconds.",
            "Check that the disk or network mount of the home works, then try again.",
        ) from None
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode != 0:
        raise _failed(child, trouble)
    return _answer(output)


def _start(arguments: Sequence[str], stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(WORKER), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _failed(child: subprocess.Popen[bytes], trouble: bytes) -> WorkerFailed:
    lines = trouble.decode("utf-8", "backslashreplace").strip().splitlines() or ["no message"]
    code = child.returncode
    return WorkerFailed(f"The process that reads files ended with {code}: {lines[-1]}")


def _answer(output: bytes) -> Any:
    """Return what the worker answered; raises the OSError that it met."""
    answer = ast.literal_eval(output.decode("ascii"))
    if "ok" not in answer:
        path = answer["path"]
        raise OSError(answer["errno"], answer["message"], os.fsdecode(path) if path else None)
    return answer["ok"]


def _facts(answer: Mapping[str, Any]) -> RawFacts:
    main, wal, shm, journal = (_file(entry) for entry in answer["files"])
    return RawFacts(
        real=_path(answer["real"]),
        main=main,
        wal=wal,
        shm=shm,
        journal=journal,
        holders=tuple(
            LockHolder("shm" if suffix else "main", pid) for suffix, pid in answer["holders"]
        ),
        locks_known=answer["locks_errno"] is None and main.kind == "file",
    )


def _file(entry: Mapping[str, Any]) -> FileFacts:
    return FileFacts(path=_path(entry["path"]), **{k: v for k, v in entry.items() if k != "path"})


def _path(name: bytes) -> Path:
    return Path(os.fsdecode(name))
