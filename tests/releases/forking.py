"""A process of a release that forks for every snippet.

To start Python and import what a release needs takes ten times as long as most snippets. This
process imports a release once and forgets its modules again, so that only what comes from outside
the release stays: the standard library, pyyaml. A fork then is what a new process would be: it
imports the release itself, with its own HERMES_HOME, arguments, folder, streams and time zone, is
``__main__``, and ends as Python does, so that connections close and exit handlers run.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

_SCRIPT = """
def _prepared(root):
    import gc, os, sys
    for name in ("hermes_state", "gateway.session"):
        try:
            __import__(name)
        except ImportError:  # of what is not installed; the snippet says so where it matters
            pass
    for name, module in [*sys.modules.items()]:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(place and place.startswith(root + os.sep) for place in places):
            del sys.modules[name]
    gc.collect()
    gc.freeze()

def _order():
    import json, os, sys
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return json.loads(line)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

def _snippet(order):
    import os, sys, tempfile, time
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    tempfile.tempdir = None
    os.chdir(order["folder"])
    sys.argv[1:] = order["arguments"]
    flags = os.O_RDWR | os.O_CREAT
    places = (os.devnull, os.path.join(order["said"], "out"), os.path.join(order["said"], "err"))
    for number, place in enumerate(places):
        descriptor = os.open(place, flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    return compile(order["script"], "<string>", "exec")

import sys as _sys
_prepared(_sys.argv[1])
_order = _order()
if _order is not None:
    exec(_snippet(_order), vars(_sys.modules["__main__"]))
"""


class Forking:
    """The process of one release."""

    def __init__(self, root: Path, environ: Mapping[str, str], folder: Path) -> None:
        """Start it: ``environ`` is for its own imports, ``folder`` where it is meanwhile."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, str(root)],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._turn = Lock()
        weakref.finalize(self, self._process.communicate)

    def run(
        self,
        script: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        said: Path,
        seconds: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run a snippet in ``folder`` and return how it ended; ``said`` is for what it says.

        Raises ``subprocess.TimeoutExpired`` for one that takes longer than ``seconds``.
        """
        order = {
            "script": script,
            "arguments": list(arguments),
            "environ": dict(environ),
            "folder": str(folder),
            "said": str(said),
        }
        with self._turn:
            self._say(order)
            child, late = int(self._hear()), False
            assert self._process.stdout is not None
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                os.kill(child, signal.SIGKILL)
                late = True
            code = int(self._hear())
        if late:
            raise subprocess.TimeoutExpired(script, seconds)
        out, err = ((said / name).read_text(encoding="utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(script, code, out, err)

    def _say(self, order: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        data = memoryview(json.dumps(order).encode() + b"\n")
        while data:
            data = data[self._process.stdin.write(data) :]

    def _hear(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
