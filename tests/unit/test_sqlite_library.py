"""Which SQLite a Hermes uses: of this very process, of this environment, and of made-up files."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from hermes_repair.home.installs import Installed
from hermes_repair.home.sqlite_library import (
    SqliteLibrary,
    find_library,
    of_environment,
    read_library,
)
from hermes_repair.host import mapped_files
from hermes_repair.host.procfs import parse_maps

ID = " 10:00:00 " + "0123456789abcdef" * 4
OWN = tuple(map(int, sqlite3.sqlite_version.split(".")))


def library(path: Path, version: str = "3.40.1", *words: str, day: str = "2022-12-28") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\0".join(("", version, day + ID, *words, "")).encode())
    return path


def environment(tmp: Path, module: bytes | None = b"\0libsqlite3.so.0\0") -> Path:
    """Make an environment whose base Python has a module that is linked to a library."""
    prefix, base = tmp / "venv", tmp / "base"
    for folder in (prefix, base / "bin", base / "lib" / "python3.12" / "lib-dynload"):
        folder.mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\nversion_info = 3.12.1.final.0\n")
    if module is not None:
        place = base / "lib" / "python3.12" / "lib-dynload" / "_sqlite3.cpython-312.so"
        place.write_bytes(module)
    return prefix


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_of_this_process() -> None:
    found = find_library((), [mapped_files(os.getpid())])
    others = [path for path in mapped_files(os.getpid()) if path.name.startswith("libsqlite3")]
    if len(others) > 1:
        assert found is None, "which of them it uses does not show"
    else:
        assert found is not None and found.version in (OWN, None) and found.fts5 and found.trigram


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="no environment")
def test_of_this_environment() -> None:
    found = of_environment(Path(sys.prefix))
    if found is not None:  # where the loader finds it not every system tells
        assert found.version in (OWN, None) and found.fts5


@pytest.mark.parametrize(
    ("version", "day", "bug"),
    [
        ("3.6.23", "2010-03-09", False),
        ("3.7.0", "2010-07-21", True),
        ("3.40.1", "2022-12-28", True),
        ("3.44.5", "2025-02-25", True),
        ("3.44.6", "2026-03-13", False),
        ("3.50.7", "2026-03-13", False),
        ("3.51.2", "2026-01-09", True),
        ("3.51.3", "2026-03-13", False),
        ("3.52.0", "2026-03-20", False),
    ],
)
def test_which_have_the_bug(version: str, day: str, bug: bool, tmp_path: Path) -> None:
    found = read_library(library(tmp_path / "libsqlite3.so.0", version, "fts5: no", day=day))
    assert found is not None and found.loses_commits is bug
    assert found.version == tuple(map(int, version.split("."))) and found.fts5


def test_a_file_with_more_texts_like_a_number_tells_by_its_day(tmp_path: Path) -> None:
    """A Python with SQLite inside it has OpenSSL there too."""
    old = read_library(library(tmp_path / "python", "3.40.1\0003.0.15", "fts5: no"))
    new = read_library(library(tmp_path / "python", "3.53.0\0003.0.15", day="2026-06-01"))
    assert old is not None and old.version is None and old.loses_commits and old.fts5
    assert new is not None and not new.loses_commits and not new.fts5
    assert old.name == f"SQLite of 2022-12-28 ({tmp_path / 'python'})"


@pytest.mark.parametrize("place", [0, (1 << 20) - 40, (3 << 20) - 3])
def test_words_across_the_ends_of_what_is_read(place: int, tmp_path: Path) -> None:
    path = library(tmp_path / "library", "3.40.1", "fts5: no", "trigram")
    path.write_bytes(b"x" * place + path.read_bytes() + b"y" * 5000)
    found = read_library(path)
    assert found == SqliteLibrary(path, "2022-12-28", (3, 40, 1), True, True)


@pytest.mark.parametrize(
    "content", [b"", b"no library", f"2022-12-28{ID}\0 2023-01-01{ID}".encode()]
)
def test_what_is_no_library(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "libsqlite3.so.0"
    path.write_bytes(content)
    assert read_library(path) is None
    assert read_library(tmp_path) is None and read_library(tmp_path / "none") is None


def test_the_library_that_the_module_names(tmp_path: Path) -> None:
    prefix = environment(tmp_path, b"\0libsqlite3.so.0\0$ORIGIN/../..:/nowhere\0")
    own = library(tmp_path / "base" / "lib" / "libsqlite3.so.0")
    other = library(tmp_path / "system" / "libsqlite3.so.0", "3.51.3")
    found = of_environment(prefix, [str(other.parent)])
    assert found is not None and found.path == own


def test_the_library_of_the_system(tmp_path: Path) -> None:
    prefix = environment(tmp_path)
    first = library(tmp_path / "system" / "a" / "libsqlite3.so.0")
    found = of_environment(prefix, [str(tmp_path / "system" / "*")])
    assert found is not None and found.path == first
    library(tmp_path / "system" / "b" / "libsqlite3.so.0", "3.51.3")
    assert of_environment(prefix, [str(tmp_path / "system" / "*")]) is None, "either may be it"
    assert of_environment(prefix, [str(tmp_path / "none")]) is None


@pytest.mark.parametrize("name", ["lib/libpython3.12.so.1.0", "bin/python3.12"])
def test_a_python_with_sqlite_inside(name: str, tmp_path: Path) -> None:
    prefix = environment(tmp_path, None)
    library(tmp_path / "base" / name, "3.40.1", "fts5: no")
    found = of_environment(prefix, [])
    assert found is not None and found.path == tmp_path / "base" / name


def test_of_an_install(tmp_path: Path) -> None:
    """The environment is the one that its services run, or that lies in or around its code."""
    prefix = environment(tmp_path, None)
    library(tmp_path / "base" / "bin" / "python3.12")
    packages = prefix / "lib" / "python3.12" / "site-packages"
    for code, pythons in (
        (packages, ()),
        (tmp_path, ()),
        (tmp_path / "elsewhere", (prefix / "bin" / "python",)),
    ):
        install = Installed(14, "0.16.0", code, None, "", None, pythons=pythons)
        found = find_library([install], [])
        assert found is not None and found.version == (3, 40, 1), code
    alone = Installed(14, "0.16.0", tmp_path / "elsewhere", None, "", None)
    assert find_library([alone], []) is None
    assert find_library([], []) is None


def test_processes_that_do_not_agree_are_no_answer(tmp_path: Path) -> None:
    first = library(tmp_path / "a" / "libsqlite3.so.0.8.6")
    other = library(tmp_path / "b" / "libsqlite3.so.0.8.6", "3.51.3")
    assert find_library([], [[first], [first]]) == read_library(first)
    assert find_library([], [[first], [other]]) is None
    assert find_library([], [[first, other]]) is None


def test_what_a_process_has_mapped() -> None:
    text = (
        "7f00-7f10 r-xp 00000000 fe:00 12 /usr/lib/libsqlite3.so.0.8.6\n"
        "7f10-7f20 r--p 00010000 fe:00 12 /usr/lib/libsqlite3.so.0.8.6\n"
        "7f20-7f30 r-xp 00000000 fe:00 13 /opt/my\\040lib/libz.so\n"
        "7f30-7f40 r-xp 00000000 fe:00 14 /opt/libsqlite3.so.0 (deleted)\n"
        "7f40-7f50 rw-p 00000000 00:00 0 \n"
        "7f50-7f60 rw-p 00000000 00:00 0 [heap]\n"
    )
    assert parse_maps(text) == ("/usr/lib/libsqlite3.so.0.8.6", "/opt/my lib/libz.so")
