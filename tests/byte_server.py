"""A process that runs the operations of the byte worker one after the other.

The command line starts Python anew for each look at the bytes of a database; with thousands of
looks that took a third of the time of a test run. This one is as far from SQLite: it loads
``byte_worker.py`` alone, and does each operation in the folder of who asks. It looks through the
descriptors of all processes but those that were there before it in another session: they are no
test's, could be looked into, and took most of a look. Tests with the mark ``byte_worker`` and
commands that run as processes of their own are without it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any

from hermes_repair.host import byte_reader

_SCRIPT = """
import ast, importlib.util, os, sys
spec = importlib.util.spec_from_file_location("byte_worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)

def session(name, looked_into):
    try:
        if looked_into:
            worker.open_by(b"/proc/%s/fd/" % name.encode(), (), {}, {})
        return os.getsid(int(name))
    except (OSError, ValueError):
        return None

def processes_but_strangers(path):
    names = everything(path)
    if path != "/proc":
        return names
    return [n for n in names if n not in strangers or session(n, False) != strangers[n]]

everything = os.listdir
there = everything("/proc") if os.path.isdir("/proc/self/fd") else ()
sessions = {name: session(name, True) for name in there}
strangers = {name: its for name, its in sessions.items() if its not in (None, os.getsid(0))}
os.listdir = processes_but_strangers
for line in sys.stdin:
    folder, operation, *arguments = ast.literal_eval(line)
    try:
        os.chdir(folder)
        answer = {"ok": worker.OPERATIONS[operation](*map(os.fsencode, arguments))}
    except OSError as error:
        answer = {"errno": error.errno, "message": error.strerror, "path": error.filename}
    except BaseException as error:
        answer = {"defect": repr(error)}
    os.closerange(3, 256)  # what an operation left open ends with it, as with a process
    print(ascii(answer), flush=True)
"""


class ByteServer:
    """The process, and the pipes to it, which forks of its owner may use one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SCRIPT, os.fspath(byte_reader.WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )
        self._turn = Lock()
        weakref.finalize(self, self._process.communicate)

    def ask(self, arguments: Sequence[str], seconds: float | None) -> Any:
        """Answer as ``hermes_repair.host.byte_reader._ask`` does."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        with self._turn:
            print(ascii((os.getcwd(), *arguments)), file=stdin, flush=True)  # noqa: PTH109
            answer = ast.literal_eval(stdout.readline())
        if "defect" in answer:
            raise byte_reader.WorkerFailed(answer["defect"])
        if "ok" not in answer:
            path = answer["path"]
            raise OSError(answer["errno"], answer["message"], os.fsdecode(path) if path else None)
        return answer["ok"]


_THIS_PROCESS = os.getpid()
ask_anew = byte_reader._ask


@cache
def _server() -> ByteServer:
    return ByteServer()


def ask(arguments: Sequence[str], seconds: float | None) -> Any:
    """Ask the one of this process; a fork of it, which may not be alone, asks as commands do."""
    if os.getpid() != _THIS_PROCESS:
        return ask_anew(arguments, seconds)
    return _server().ask(arguments, seconds)
