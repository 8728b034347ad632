"""hermes-repair as a user types it, from a process that has imported it once: a fork per command.

    with Commands() as commands:
        commands.run("doctor", "--json", home=home)

What starts Python again for every command costs ten times as much. The process that forks has one
thread and does nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.command import Ran

SECONDS = 60
"""No command on a small home may take longer."""


class Commands:
    """A process that runs commands for one test, one after the other."""

    def __enter__(self) -> Commands:
        self._folder = tempfile.TemporaryDirectory(prefix="commands-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={
                **{
                    name: os.environ[name]
                    for name in ("PATH", "LANG", "TMPDIR")
                    if name in os.environ
                },
                "TZ": "UTC0",
                "HOME": "/nonexistent",
                "PYTHONPATH": str(Path(__file__).parents[1]),
            },
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def run(self, *words: str, home: Path) -> Ran:
        """Run one command off a terminal. One that takes longer than SECONDS ends with -14."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        print(json.dumps([*words, "--home", str(home)]), file=stdin, flush=True)
        code = int(stdout.readline())
        out, err = (Path(self._folder.name, name).read_text("utf-8") for name in ("out", "err"))
        return Ran(code, out, err)


def _serve(folder: Path) -> None:
    from hermes_repair.checks.registry import all_checks
    from hermes_repair.cli import commands

    all_checks()
    assert commands
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _work(json.loads(line), folder)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _work(words: list[Any], folder: Path) -> None:
    """Be one command; never returns."""
    import signal

    signal.alarm(SECONDS)
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    from hermes_repair.cli.guard import run

    code = 255
    try:
        code = run(words)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
