"""What every test process needs before its first test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hermes_repair.host import byte_reader
from hermes_repair.report import colour
from tests import byte_server, forked, releases
from tests.homes.database import NEVER_FOUND, Unpack, build_database, unpack_fixture
from tests.homes.folders import fast_folder, new_folder
from tests.left_out import LeftOut, leave_out
from tests.needs import uses_releases
from tests.support import ROOT

# Who runs the tests gets the examples that everybody gets; new ones are drawn by `make long`, and
# what they find becomes a case. How fast they are drawn says how busy the machine is.
BUSY = (HealthCheck.too_slow,)
settings.register_profile("fixed", derandomize=True, max_examples=40, suppress_health_check=BUSY)
settings.register_profile("random", derandomize=False, print_blob=True, suppress_health_check=BUSY)
settings.load_profile("fixed")

ROOM = 2 << 30
"""Bytes that have to be free in memory for the folders of tests."""


def pytest_configure(config: pytest.Config) -> None:
    """Let ^C and SIGHUP reach the commands that tests start, also where the run was put aside.

    A shell starts a background job with SIGINT ignored, nohup with SIGHUP; a child inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # What one of the processes that tests start has compiled, the others read.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.pluginmanager.register(LeftOut())
    _use_memory()


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: tests wait for processes that they started."""
    return (os.cpu_count() or 1) + 1


def _use_memory() -> None:
    """Let ``tmp_path`` lie in memory where there is room: no test cuts the power.

    A case has hundreds of fsync, and on a disk each takes milliseconds. ``--basetemp`` names
    another place.
    """
    folder = fast_folder()
    if folder is not None and shutil.disk_usage(folder).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the marks of what it needs: ``releases``, ``shared``, ``chromium``."""
    items[:] = [item for item in items if not _of_no_database(item)]
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if uses_releases(item):
            item.add_marker("releases")
            if item.path.is_relative_to(ROOT / "tests" / "unit"):
                raise pytest.UsageError(f"{item.nodeid} runs a release: tests/unit is without any")
        if "shared" in item.fixturenames:
            item.add_marker("shared")
        if "browser" in item.fixturenames:
            item.add_marker("chromium")


def _of_no_database(item: pytest.Item) -> bool:
    """Tell whether a test is about the real database of a shape that none was found of."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "shared" in values and any(name in values for name in NEVER_FOUND)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let releases run in the tests that are marked so, and in no other.

    One process reads the bytes of databases, but for the tests of what commands start for that.
    """
    releases.permitted = item.get_closest_marker("releases") is not None
    colour.chosen.set(colour.Colour.AUTO)  # a command line of the test before may have said another
    started = item.get_closest_marker("byte_worker") is not None
    forked.renew()
    byte_reader._ask = byte_server.ask_anew if started else byte_server.ask


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give what is remembered of copies a folder of this run, and not the user's."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder ``shared`` with real databases and facts; leave the test out without it."""
    folder = Path(os.environ.get("HERMES_REPAIR_SHARED", ROOT.parent / "shared"))
    if not (folder / "fixtures" / "schema-history").is_dir():
        leave_out("shared", "HERMES_REPAIR_SHARED names no folder with fixtures/schema-history")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a test; the private copies of looks go there too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user may walk into, which none of those of pytest is."""
    with new_folder() as folder:
        folder.chmod(0o755)
        yield folder


@pytest.fixture(params=["built", pytest.param("shared", marks=pytest.mark.shared)])
def unpack(request: pytest.FixtureRequest) -> Unpack:
    """Return what writes the populated database of a name: ours, and the real one where it is."""
    if request.param == "built":
        return build_database
    folder: Path = request.getfixturevalue("shared")
    return lambda name, target: unpack_fixture(folder, name, target)
