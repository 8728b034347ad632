"""Which SQLite the installed Hermes uses, told from files: no foreign code is run.

Hermes uses the :mod:`sqlite3` of its own Python. A process that runs has its library mapped
(``/proc/PID/maps``). Else the environment names its base Python (``pyvenv.cfg``), whose module
``_sqlite3`` names the library, or has SQLite inside it. A library says in its text which source it
was made of and what was left out of it. Where one step does not tell, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.home.installs import Installed, serving
from hermes_repair.host.regular_files import open_regular, real_path, text_if_there

MOST = 256 << 20
"""Bytes of a library that are read; a Python with SQLite inside it has some 100 MB."""

SYSTEM = ("/usr/local/lib", "/usr/lib/*-linux-gnu*", "/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib")
"""Where the loader of Linux finds a library that no path is given for."""

_CHUNK, _OVERLAP = 1 << 20, 256  # bytes
_SOURCE = re.compile(rb"(20\d\d-[01]\d-[0-3]\d) \d\d:\d\d:\d\d [0-9a-f]{40}")
_VERSION = re.compile(rb"\0(3\.\d{1,2}\.\d{1,2})(?=\0)")
_FTS5, _TRIGRAM = b"fts5: ", b"trigram"
_LIBRARY = "libsqlite3.so.0"
_NAMED = re.compile(rb"(/[^\0]{0,1000}/libsqlite3[^\0/]{0,40})\0")
_FOLDER = re.compile(rb"\0((?:/|\$ORIGIN)[^\0]{0,1000})\0")

_LAST_WITH_BUG = (3, 51, 2)
_LAST_DAY_WITH_BUG = "2026-01-09"
_MENDED = ((3, 44, 6), (3, 50, 7))
_FIRST_WITH_WAL = (3, 7, 0)


@dataclass(frozen=True, slots=True)
class SqliteLibrary:
    """A SQLite: the file ``path`` that has it, and the day of its source (ISO).

    ``version`` is its number, None where the file has more texts like one. ``fts5`` and ``trigram``
    are whether it can search, and by three letters (a tokenizer since 3.34).
    """

    path: Path
    source: str
    version: tuple[int, int, int] | None
    fts5: bool
    trigram: bool

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        number = ".".join(map(str, self.version)) if self.version else f"of {self.source}"
        return f"SQLite {number} ({self.path})"

    @property
    def loses_commits(self) -> bool:
        """Whether it has the WAL-reset bug: 3.7.0 to 3.51.2, mended in 3.44.6 and 3.50.7 too."""
        if self.version is None:
            return self.source <= _LAST_DAY_WITH_BUG
        affected = _FIRST_WITH_WAL <= self.version <= _LAST_WITH_BUG
        return affected and self.version not in _MENDED


def find_library(
    installed: Sequence[Installed],
    mapped: Iterable[Sequence[Path]],
    system: Sequence[str] = SYSTEM,
) -> SqliteLibrary | None:
    """Return the SQLite of the Hermes that serves a home, None where that cannot be told.

    ``mapped`` are the files that each of its processes has mapped; what runs counts before what is
    installed. Processes that have several are no answer.
    """
    running = {found for files in mapped if (found := _of_process(files)) is not None}
    if running:
        return running.pop() if len(running) == 1 else None
    install = serving(installed)
    prefix = _environment(install) if install is not None else None
    return of_environment(prefix, system) if prefix is not None else None


def read_library(path: Path) -> SqliteLibrary | None:
    """Read a file; None where no SQLite is in it, or several are, or it cannot be read."""
    sources: set[bytes] = set()
    versions: set[bytes] = set()
    fts5 = trigram = False
    try:
        with open_regular(path) as file:
            before = b""
            for _ in range(MOST // _CHUNK):
                data = file.read(_CHUNK)
                if not data:
                    break
                seen = before + data
                sources.update(_SOURCE.findall(seen))
                versions.update(_VERSION.findall(seen))
                fts5, trigram = fts5 or _FTS5 in seen, trigram or _TRIGRAM in seen
                before = seen[-_OVERLAP:]
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    if len(sources) != 1:
        return None
    number = tuple(int(part) for part in versions.pop().split(b".")) if len(versions) == 1 else ()
    return SqliteLibrary(
        path,
        sources.pop().decode(),
        (number[0], number[1], number[2]) if number else None,
        fts5,
        trigram,
    )


def _of_process(files: Sequence[Path]) -> SqliteLibrary | None:
    named = [path for path in files if path.name.startswith("libsqlite3")]
    if named:
        return read_library(named[0]) if len(named) == 1 else None
    inside = (path for path in files if path.name.startswith(("_sqlite3.", "libpython", "python")))
    return next((found for path in inside if (found := read_library(path)) is not None), None)


def _environment(install: Installed) -> Path | None:
    """Return the environment that an install runs in: the folder with ``pyvenv.cfg``."""
    code = install.code
    prefixes = [python.parent.parent for python in install.pythons]
    prefixes += [code / "venv", code / ".venv", *code.parents[1:3]]
    return next((prefix for prefix in prefixes if (prefix / "pyvenv.cfg").is_file()), None)


def of_environment(prefix: Path, system: Sequence[str] = SYSTEM) -> SqliteLibrary | None:
    """Return the SQLite of the base Python of an environment; ``system`` are folders or patterns.

    None where nothing or more than one thing may be it.
    """
    said = dict(_settings(text_if_there(prefix / "pyvenv.cfg")))
    number = re.match(r"(\d+\.\d+)\b", said.get("version") or said.get("version_info") or "")
    if "home" not in said or number is None:
        return None
    base = real_path(Path(said["home"])).parent
    name = f"python{number[1]}"
    modules = sorted((base / "lib" / name / "lib-dynload").glob("_sqlite3.*"))
    inside = [*modules, base / "lib" / f"lib{name}.so.1.0", base / "bin" / name]
    inside.append(base / "DLLs" / "sqlite3.dll")
    found = next((library for path in inside if (library := read_library(path))), None)
    if found is not None or len(modules) != 1:
        return found
    places = {real_path(path) for path in _named_by(modules[0], system)}
    return read_library(places.pop()) if len(places) == 1 else None


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            yield key.strip().lower(), value.strip()


def _named_by(module: Path, system: Sequence[str]) -> list[Path]:
    """Return the libraries that a module may be linked to: those of its own paths, else all."""
    try:
        with open_regular(module) as file:
            data = file.read(MOST)
    except OSError:
        return []
    named = [Path(path.decode("utf-8", "replace")) for path in _NAMED.findall(data)]
    folders = {
        Path(folder.decode("utf-8", "replace").replace("$ORIGIN", str(module.parent)))
        for folders in _FOLDER.findall(data)
        for folder in folders.split(b":")
    }
    own = [*named, *(folder / _LIBRARY for folder in folders)]
    there = [path for path in own if path.is_file()]
    if there or _LIBRARY.encode() not in data:
        return there
    found = (folder for pattern in system for folder in sorted(Path("/").glob(pattern.lstrip("/"))))
    return [path for folder in found if (path := folder / _LIBRARY).is_file()]
