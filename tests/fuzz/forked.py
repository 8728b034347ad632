"""Inputs in processes of their own, forked from one that has imported everything."""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from typer import main as typer_main

from hermes_repair.host import byte_reader
from sample_data.build import build
from tests.engine.faults import ask_here
from tests.fuzz.judge import alone, commands_of, judge, make
from tests.homes.folders import new_folder
from tests.homes.small import NOW, chat_only_in_file, small_home
from tests.in_process import fixed_environment, repair
from tests.support import command_tree

HANG = 60.0  # seconds that all commands on one home may take
MEMORY = 2 << 30
PROGRESS = 1000  # inputs, after which a long run says how far it has come
Judge = Callable[[Path], list[str]]  # what it found wrong, one sentence each


@dataclass(frozen=True)
class Failure:
    """An input that went wrong; ``python -m tests.fuzz SEED`` makes it again."""

    seed: int
    hurts: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.seed} ({', '.join(self.hurts)}):\n  " + "\n  ".join(self.wrong)


@cache
def get_ready() -> None:
    """Make what all children share, after everything else that they share."""
    tree = command_tree()  # it takes 50 ms, and is the same
    typer_main.get_command = lambda typer_instance: tree
    gc.freeze()  # a collection in a child would copy all pages that it shares


@contextmanager
def base_homes() -> Iterator[list[Path]]:
    """Yield homes to start from, in memory: each schema family, one repaired, one with all."""
    with new_folder() as place:
        made = [small_home(place / f"small-{number}", number) for number in (11, 14, 16, 22)]
        for home in made[1:3]:
            chat_only_in_file(home)
        repaired = small_home(place / "repaired", 14)
        repair(repaired, fixed_environment(place))
        get_ready()
        yield [*made, repaired, build("damaged", place / "sample", NOW)]


def failures(
    seeds: Sequence[int], bases: Sequence[Path], *, keep: Path | None = None
) -> Iterator[Failure]:
    """Try inputs one after the other; yield those that went wrong. ``keep`` stays for a look."""
    for seed in seeds:
        with new_folder() as place:
            hurts = make(seed, bases, place / "home")
            if keep is not None:
                shutil.copytree(place / "home", keep, symlinks=True)
            wrong = judged_in_a_child(place / "home", partial(judge, commands=commands_of(seed)))
        if wrong:
            yield Failure(seed, tuple(hurts), tuple(wrong))


def judged_in_a_child(home: Path, judge: Judge) -> list[str]:
    """Return what a judge says of a home that lies alone in its folder."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(home, judge, writer)
    os.close(writer)
    try:
        return _hear(reader)
    except TimeoutError:
        return [f"no answer within {HANG:.0f} seconds"]
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _hear(reader: int) -> list[str]:
    """Return what the child reports; raises ``TimeoutError`` for one that hangs."""
    deadline, data = time.monotonic() + HANG, b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise TimeoutError
        part = os.read(reader, 65536)
        if not part:
            break
        data += part
    if not data:
        return ["the process ended without a word"]
    found: list[str] = json.loads(data)
    return found


def _child(home: Path, judge: Judge, writer: int) -> None:
    """Judge one input and report; never returns."""
    try:
        alone(home.parent)
        tempfile.tempdir = str(home.parent)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        byte_reader._ask = ask_here
        found = judge(home)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        found = [f"the judge failed: {type(error).__name__}: {error}"]
    try:
        with os.fdopen(writer, "w") as pipe:
            json.dump(found, pipe)
    finally:
        os._exit(0)  # also where the parent has gone: nothing of its own may run here


def main(arguments: Sequence[str]) -> int:
    """``SEED [COUNT]``: try inputs; with one seed its home is kept for a look."""
    first, count = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    keep = Path(tempfile.mkdtemp(prefix="fuzz-kept-")) / "home" if count == 1 else None
    failed = 0
    with base_homes() as bases:
        for begun in range(first, first + count, PROGRESS):
            seeds = range(begun, min(begun + PROGRESS, first + count))
            for failure in failures(seeds, bases, keep=keep):
                failed += 1
                print(failure, flush=True)
            if count > PROGRESS:
                tried = seeds.stop - first
                print(f"{tried:,} inputs, {failed:,} failures", file=sys.stderr, flush=True)
    print(f"{count:,} inputs, {failed:,} failures")
    if keep is not None:
        print(keep)
    return 1 if failed else 0
