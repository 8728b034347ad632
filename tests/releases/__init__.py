"""The real Hermes releases, as builders of damage and as judges of repairs (R7).

A release is the unpacked wheel of ``hermes-agent`` from the package index, kept in a cache folder
of this machine. It only ever runs in a subprocess, first on ``PYTHONPATH``, with ``HERMES_HOME``
set to a folder that the test owns: the default home of the person who runs the tests is never
touched. ``hermes_state`` imports without any dependency, ``gateway.session`` needs pyyaml (0.19.0:
requests and httpx too).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.left_out import leave_out
from tests.releases.forking import Forking

# hermes-agent 0.13.0 to 0.19.0 stand for schemas 11, 11, 13, 14, 16, 17, 19 and 22.
RELEASES = ("0.13.0", "0.14.0", "0.15.2", "0.16.0", "0.17.0", "0.18.0", "0.18.2", "0.19.0")
TIMEOUT_SECONDS = 300


permitted = True
"""Whether the running test is one of the group ``releases`` (set for each by tests/conftest.py)."""


class ReleaseError(RuntimeError):
    """A snippet failed inside a release; the message has its stderr."""


_USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
"""Asked before any test: one with a home of its own is not to download, and lose, a release."""


def cache_dir() -> Path:
    """Return the folder with the unpacked releases (``HERMES_REPAIR_RELEASES`` overrides it)."""
    override = os.environ.get("HERMES_REPAIR_RELEASES")
    return Path(override) if override else _USER_CACHE / "hermes-repair" / "releases"


@cache
def release(version: str) -> Path:
    """Return the root of the unpacked wheel of ``version``, downloaded on first use.

    Skips the test, with the reason, where the download fails; where that is no matter of the
    network, it is a failure instead with the environment variable ``CI`` set. Safe for several
    processes at once: each unpacks into a folder of its own and the first rename wins.
    """
    target = cache_dir() / version
    if (target / "hermes_state.py").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=target.parent) as scratch:
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(_download(version, Path(scratch))) as wheel:
            wheel.extractall(unpacked)
        try:
            unpacked.rename(target)
        except OSError:
            # Another process was first: a folder that is there and not empty is never replaced.
            if not (target / "hermes_state.py").is_file():
                raise
    return target


_unreachable: list[str] = []
"""Why the package index could not be reached: asked once in each process, not once a test."""


def _download(version: str, folder: Path) -> Path:
    """Fetch the wheel of ``version`` into ``folder`` with pip.

    Without a network the test is one of the group that is left out; where the index answers and
    has no such wheel, the test is skipped, and fails with ``CI`` set.
    """
    if _unreachable:
        leave_out("releases", _unreachable[0])
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "2"]
    command += ["--only-binary", ":all:", "--ignore-requires-python"]
    command += ["--dest", str(folder), f"hermes-agent=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "after connection broken by" in done.stderr:
        _unreachable.append("the package index could not be reached")
        leave_out("releases", _unreachable[0])
    last = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
    reason = f"hermes-agent {version} could not be downloaded: {last[0]}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _of_the_group(version: str) -> Path:
    """Return the root of a release for a test that may run one."""
    assert permitted, "mark this test `releases`: tests/needs.py does not see that it runs one"
    return release(version)


def run_release(
    version: str,
    script: str,
    home: Path,
    *args: str,
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run the Python text ``script`` with the release ``version`` and return its stdout.

    The process is a fork (:mod:`tests.releases.forking`). It has ``HERMES_HOME=home``, an empty
    temporary folder as working directory and ``HOME``, and ``args`` as ``sys.argv[1:]``; ``env`` is
    laid over its environment.

    Raises:
        ReleaseError: the process ended with another code than 0 and ``check`` is set.
        subprocess.TimeoutExpired: it took longer than ``TIMEOUT_SECONDS``.
    """
    root = _of_the_group(version)
    with tempfile.TemporaryDirectory(prefix="hermes-release-") as place:
        folder, said = Path(place, "folder"), Path(place, "said")
        folder.mkdir()
        said.mkdir()
        environ = _environment(root, home, folder, env)
        done = _forking(root).run(script, args, environ, folder, said, TIMEOUT_SECONDS)
    if check and done.returncode != 0:
        raise ReleaseError(
            f"a snippet in hermes-agent {version} ended with {done.returncode}:\n{done.stderr}"
        )
    return done.stdout


@cache
def _forking(root: Path) -> Forking:
    """Return the process of a release that forks for the snippets of this test process."""
    folder = Path(tempfile.mkdtemp(prefix="hermes-release-"))
    forking = Forking(root, _environment(root, folder, folder, None), folder)
    weakref.finalize(forking, shutil.rmtree, folder, ignore_errors=True)
    return forking


def start_release(
    version: str,
    script: str,
    home: Path,
    *args: str,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start ``script`` as ``run_release`` does and return the running process.

    Its stdin and stdout are line-buffered text pipes for a handshake (``say``, ``hear``); stderr
    is the test's own. The caller ends it: by a line, by closing stdin, or by ``kill``.
    """
    root = _of_the_group(version)
    folder = Path(tempfile.mkdtemp(prefix="hermes-release-"))
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", script, *args],
        cwd=folder,
        env=_environment(root, home, folder, env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        bufsize=1,
    )
    weakref.finalize(process, shutil.rmtree, folder, ignore_errors=True)
    return process


def hear(process: subprocess.Popen[str], word: str) -> str:
    """Wait for the next stdout line of ``process`` that starts with ``word``; return its rest.

    Raises:
        ReleaseError: the process ended before it said so.
    """
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line[len(word) :].strip()
    raise ReleaseError(f"the process ended ({process.wait()}) before it said {word!r}")


def say(process: subprocess.Popen[str], line: str) -> None:
    """Send ``line`` to the stdin of ``process``."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _environment(
    root: Path, home: Path, folder: Path, extra: Mapping[str, str] | None
) -> dict[str, str]:
    """Return this process's environment without its Hermes and Python settings, plus the new."""
    dropped = ("HERMES_", "PYTHON")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    environment |= {
        "PYTHONPATH": str(root),
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "HERMES_HOME": str(home),
        "HOME": str(folder),
    }
    return environment | dict(extra or {})
