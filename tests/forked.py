"""A process that has imported hermes-repair once and forks for every command.

To start Python again for each of the thousands of commands of a test run would take most of its
time; so would the child of each that looks who has a file open: one process answers them all
(``tests.byte_server``). A fork has the arguments, the environment, the folder and the streams of a
command of its own; nothing of one command is left for the next. The process that forks has one
thread and does nothing else.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import sqlite_utils  # noqa: F401 - what is imported late is there before a fork

from hermes_repair.host import byte_reader
from hermes_repair.program_texts import default_harness
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.known_skews import default_skews
from hermes_repair.schema.releases import default_effects
from tests.byte_server import ByteServer
from tests.engine.homes import fixed_environment, look, repair, small_home, undo
from tests.engine.images import fast_folder

SECONDS = 300


class Server:
    """The process that forks, and the files that its children speak into."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="commands-")
        self._out, self._err = Path(folder, "out"), Path(folder, "err")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            cwd=Path(__file__).parents[1],
        )
        weakref.finalize(self, _end, self._process, folder)

    def run(self, words: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str, str]:
        """Return exit code (less than 0: the signal), stdout and stderr of one command.

        Raises ``TimeoutError`` for one that takes longer than SECONDS.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        order = {"words": list(words), "environ": dict(environ), "cwd": str(Path.cwd())}
        print(json.dumps(order), file=stdin, flush=True)
        code = int(stdout.readline())
        if code == -14:
            raise TimeoutError(f"{words} took longer than {SECONDS} seconds")
        return code, _text(self._out), _text(self._err)


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", newline=None) as file:
        return file.read()


def _end(process: subprocess.Popen[str], folder: str) -> None:
    process.communicate()
    for path in Path(folder).iterdir():
        path.unlink()
    Path(folder).rmdir()


@cache
def server() -> Server:
    """Return the one of this test process."""
    return Server()


def serve(folder: Path) -> None:
    """Answer orders until stdin ends."""
    import_everything()
    bytes_of = ByteServer()
    byte_reader._ask = bytes_of.ask
    warm()
    gc.freeze()  # a collection in a child would copy all pages that it shares
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(order["words"], order["environ"], order["cwd"], folder, bytes_of.descriptors)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def import_everything() -> None:
    """Import every module of ours, and with them what they need."""
    package = importlib.import_module("hermes_repair")
    for module in pkgutil.walk_packages(package.__path__, "hermes_repair."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def warm() -> None:
    """Read and build once what every command reads and builds anew, and none changes.

    Typer makes the whole tree of commands of each command line: a quarter of a short one's time.
    What is made once of statements and structures is left by a repair and its undo.
    """
    import typer.main

    from hermes_repair.cli.commands import app

    for read in (default_catalogue, default_effects, default_skews, default_harness):
        read()
    tree = typer.main.get_command(app)
    typer.main.get_command = lambda typer_instance: tree
    with tempfile.TemporaryDirectory(dir=fast_folder()) as name:
        home, environment = Path(name, "home"), fixed_environment(Path(name))
        small_home(home)
        look(home, environment)
        repair(home, environment)
        undo(home, environment)


def speak_into(out: int, err: int) -> None:
    """Give a forked child streams of its own: nothing to read, and descriptors to write to."""
    for descriptor, number in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, number)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - ends with the process
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )


def finish_speaking() -> None:
    """Write out what a forked child has said; where that cannot be, nothing follows from it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _be(
    words: Sequence[str],
    environ: Mapping[str, str],
    cwd: str,
    folder: Path,
    kept: tuple[int, int],
) -> None:
    """Be one command, with no more descriptors than the two ``kept``; never returns."""
    import signal
    import time
    import traceback

    signal.alarm(SECONDS)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(cwd)
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    speak_into(*(os.open(folder / name, flags, 0o600) for name in ("out", "err")))
    low, high = sorted(kept)
    for first, end in ((3, low), (low + 1, high), (high + 1, 256)):
        os.closerange(first, end)
    from hermes_repair.cli.guard import run

    code = 1
    try:
        code = run(list(words))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may escape into the process that forks
        traceback.print_exc()
    finish_speaking()
    os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
