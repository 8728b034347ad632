"""Runs operations of ``inside/driver.py`` in a release, on a home or on a copy of it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.releases import ReleaseError, hear, run_release, say, start_release

Op = Mapping[str, Any]

# Where the operator lives. The processes get the rule itself, so that no zone files are needed.
TIMEZONE = "Europe/Berlin"
_TZ = {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}

# ``inside`` is imported by itself: the release comes first on the path, this folder last.
_SCRIPT = "import sys; sys.path.append(sys.argv.pop(1)); from inside.driver import main; main()"


def play(
    version: str,
    home: Path,
    ops: Sequence[Op],
    *,
    seed: int = 0,
    on_copy: bool = False,
    bulk: bool = False,
) -> list[Any]:
    """Do ``ops`` in one process of release ``version`` and return their results in order.

    ``seed`` makes the ids of new sessions. With ``on_copy`` the release works on a private copy of
    database and transcripts and ``home`` stays as it is (opening a home migrates it); without, the
    home is at rest afterwards, as after a clean stop. ``bulk`` writes ``sessions.json`` once, at
    the end.
    """
    with tempfile.TemporaryDirectory(prefix="hermes-play-") as folder:
        scratch = Path(folder)
        paths = _write_plan(scratch, ops, seed, home if on_copy else None, bulk)
        run_release(version, _SCRIPT, scratch / "home" if on_copy else home, *paths, env=_TZ)
        results: list[Any] = json.loads(Path(paths[-1]).read_text(encoding="utf-8"))
        return results


class Running:
    """A release at work on a home: it does ``ops`` and pauses at each ``{"op": "wait"}``.

    A context manager: leaving it before ``finish`` kills the process.
    """

    def __init__(self, version: str, home: Path, ops: Sequence[Op], *, seed: int = 0) -> None:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hermes-play-"))
            paths = _write_plan(Path(folder), ops, seed)
            self._results = Path(paths[-1])
            self.process: subprocess.Popen[str] = start_release(
                version, _SCRIPT, home, *paths, env=_TZ
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Running:
        return self

    def wait_until_ready(self) -> int:
        """Return when the process has come to its next pause; the result is its process id."""
        return int(hear(self.process, "ready"))

    def finish(self) -> list[Any]:
        """Let the process go on to its end, closing all connections; return all its results."""
        say(self.process, "go on")
        code = self.process.wait()
        if code != 0:
            raise ReleaseError(f"a running release ended with {code}")
        results: list[Any] = json.loads(self._results.read_text(encoding="utf-8"))
        return results

    def kill(self) -> None:
        """End the process as ``kill -9`` does: no connection is closed, nothing checkpointed."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._stack.close()


def _write_plan(
    folder: Path,
    ops: Sequence[Op],
    seed: int,
    copy_from: Path | None = None,
    bulk: bool = False,
) -> tuple[str, str, str]:
    """Write the driver's input; return the script's arguments, the file of results last."""
    plan = {
        "copy_from": None if copy_from is None else str(copy_from.resolve()),
        "bulk": bulk,
        "seed": seed,
        "ops": list(ops),
    }
    source = folder / "plan.json"
    source.write_text(json.dumps(plan), encoding="utf-8")
    return str(Path(__file__).parent), str(source), str(folder / "results.json")
