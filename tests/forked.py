"""A process that has imported hermes-repair once and forks for every test that runs commands.

To start Python again for each of the thousands of commands of a test run would take most of its
time; so would the child of each that looks who has a file open: one process answers them all
(``tests.byte_server``). The commands of one test run in one fork, one after the other; each has the
arguments, the environment, the folder and the streams of a process of its own, and what it leaves
open is closed. That modules keep nothing of a command but what is the same for all is tested
(``tests/cli/test_surroundings.py``). Nothing of one test is left for the next.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Never

# What is imported late is there before a fork.
import jsonlines  # noqa: F401
import sqlite_utils  # noqa: F401

from hermes_repair.cli import main
from hermes_repair.cli.guard import run
from hermes_repair.host import byte_reader
from hermes_repair.program_texts import default_harness
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.releases import default_effects, default_skews
from tests.byte_server import ByteServer, ask_anew
from tests.homes.folders import new_folder
from tests.homes.small import small_home
from tests.in_process import fixed_environment, look, repair, undo
from tests.support import keep_command_tree

SECONDS = 300
NO_MORE = 77
"""How the last fork ends: no orders will come."""


class Server:
    """The process that forks, and the files that its children speak into."""

    def __init__(self, before: str = "") -> None:
        """Start it; ``before`` is a Python text that it runs before it imports anything."""
        folder = tempfile.mkdtemp(prefix="commands-")
        self._out, self._err = Path(folder, "out"), Path(folder, "err")
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{_SERVE}", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            cwd=Path(__file__).parents[1],
        )
        self._used = False
        weakref.finalize(self, _end, self._process, folder)

    def run(
        self, words: Sequence[str], environ: Mapping[str, str], largest: int | None = None
    ) -> tuple[int, str, str]:
        """Return exit code (less than 0: the signal), stdout and stderr of one command.

        No file can grow beyond ``largest`` bytes, what it says included: a full disk.
        Raises ``TimeoutError`` for one that takes longer than SECONDS.
        """
        self._say(_order(words, environ) | {"largest": largest})
        code = self._hear()
        if code == -signal.SIGALRM:
            raise TimeoutError(f"{words} took longer than {SECONDS} seconds")
        return code, _text(self._out), _text(self._err)

    def start_at(
        self, terminal: str, words: Sequence[str], environ: Mapping[str, str]
    ) -> tuple[int, Callable[[], int]]:
        """Start one command whose three streams are a terminal, which is its own.

        Returns a descriptor that can be read as soon as it has ended, and what then returns its
        exit code.
        """
        self._say(_order(words, environ) | {"largest": None, "terminal": terminal})
        assert self._process.stdout is not None
        return self._process.stdout.fileno(), self._hear

    def renew(self) -> None:
        """Let the next command run in a new fork."""
        if self._used:
            self._say({})
            self._hear()
            self._used = False

    def _say(self, order: Mapping[str, Any]) -> None:
        self._used = True
        assert self._process.stdin is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)

    def _hear(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def _order(words: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any]:
    return {"words": list(words), "environ": dict(environ), "cwd": str(Path.cwd())}


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", newline=None) as file:
        return file.read()


def _end(process: subprocess.Popen[str], folder: str) -> None:
    process.communicate()
    for path in Path(folder).iterdir():
        path.unlink()
    Path(folder).rmdir()


_SERVE = "import sys, pathlib, tests.forked; tests.forked.serve(pathlib.Path(sys.argv[1]))"
_servers: dict[str, Server] = {}


def server(before: str = "") -> Server:
    """Return the one of this test process that has run ``before``."""
    if before not in _servers:
        _servers[before] = Server(before)
    return _servers[before]


def renew() -> None:
    """Let the next commands run in new forks."""
    for one in _servers.values():
        one.renew()


def serve(folder: Path) -> None:
    """Answer orders until stdin ends."""
    import_everything()
    bytes_of = ByteServer()
    byte_reader._ask = bytes_of.ask
    warm()
    gc.freeze()  # a collection in a child would copy all pages that it shares
    orders, answers = os.dup(0), os.dup(1)
    while True:
        child = os.fork()
        if child == 0:
            _obey(orders, answers, folder)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == NO_MORE:
            return
        _answer(answers, code)


def _obey(orders: int, answers: int, folder: Path) -> Never:
    """Be the commands of one test. What ends this process early is the answer to the last one."""
    while order := _next_order(orders):
        with _limited(order["largest"]):
            if "terminal" in order:
                code = _be_at(order["terminal"], order["words"], order["environ"], order["cwd"])
            else:
                code = _be(order["words"], order["environ"], order["cwd"], folder)
        _answer(answers, code)
    os._exit(0)


def _next_order(orders: int) -> dict[str, Any]:
    """Return an order, empty for the last of a test; never reads further than that."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(orders, 1 << 16)
        if not part:
            os._exit(NO_MORE)
        line += part
    found: dict[str, Any] = json.loads(line)
    return found


@contextmanager
def _limited(largest: int | None) -> Iterator[None]:
    """Set a limit that the process which reads and copies bytes has as well: a new one."""
    if largest is None:
        yield
        return
    asked = byte_reader._ask
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    byte_reader._ask = ask_anew
    try:
        yield
    finally:
        byte_reader._ask = asked
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _answer(answers: int, code: int) -> None:
    os.write(answers, b"%d\n" % code)


def import_everything() -> None:
    """Import every module of ours, and with them what they need."""
    package = importlib.import_module("hermes_repair")
    for module in pkgutil.walk_packages(package.__path__, "hermes_repair."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def warm() -> None:
    """Read and build once what every command reads and builds anew, and none changes.

    What is made once of statements and structures is left by a repair and its undo.
    """
    keep_command_tree()
    for read in (default_catalogue, default_effects, default_skews, default_harness):
        read()
    with new_folder() as folder:
        home, environment = folder / "home", fixed_environment(folder)
        small_home(home)
        look(home, environment)
        repair(home, environment)
        undo(home, environment)


def speak_into(out: int, err: int) -> None:
    """Give a forked child streams of its own: nothing to read, and descriptors to write to."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(descriptor, number)
    for descriptor in {nothing, out, err}:
        os.close(descriptor)
    _open_streams()


def _open_streams(encoding: str = "utf-8") -> None:
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding=encoding, closefd=False)  # noqa: SIM115 - ends with the process
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )


def finish_speaking() -> None:
    """Write out what a forked child has said; where that cannot be, nothing follows from it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _be(words: Sequence[str], environ: Mapping[str, str], cwd: str, folder: Path) -> int:
    """Be one command, and return its exit code."""
    signal.alarm(SECONDS)
    _stand_in(environ, cwd)
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    speak_into(*(os.open(folder / name, flags, 0o600) for name in ("out", "err")))
    code = 1
    try:
        code = run(list(words))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may escape into the process that forks
        traceback.print_exc()
    finish_speaking()
    gc.collect()  # what an error still holds open is closed, as at the end of a process
    signal.alarm(0)
    return code


def _stand_in(environ: Mapping[str, str], cwd: str) -> None:
    """Have the environment and the folder of a process of its own."""
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    tempfile.tempdir = None
    os.chdir(cwd)


def _be_at(terminal: str, words: Sequence[str], environ: Mapping[str, str], cwd: str) -> int:
    """Be one command at a terminal, from its start to its end, and return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        signal.alarm(SECONDS)
        _stand_in(environ, cwd)
        os.setsid()
        descriptor = os.open(terminal, os.O_RDWR)  # the first of a session: ^C is a signal to it
        for number in (0, 1, 2):
            os.dup2(descriptor, number)
        os.close(descriptor)
        _open_streams(environ.get("PYTHONIOENCODING", "utf-8"))
        sys.argv[1:] = words
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may escape into the process that forks
        traceback.print_exc()
    finally:
        finish_speaking()
        os._exit(code)
