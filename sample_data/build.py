"""Build an invented home: ``python sample_data/build.py TARGET [damaged|healthy|broken]``.

A home lies in this folder as it would lie on a disk, but for its databases. A folder ``state-N``
holds the rows of one ``state.db`` of schema N as SQL: the structure comes from the project's own
catalogue, the scripts run in the order of their names, and the triggers fill the search tables.
Every other file is copied as it is. A home that has a ``damage.toml`` instead is another one with
pages of its database overwritten, as that file says.

Two functions are there for the SQL, so that it can be read beside the transcripts:
``at('2026-05-15 18:02:31.3')`` is a time of the invented machine (UTC+2) and ``ago(40)`` is 40
seconds before the build; both give epoch seconds.

All text is invented. Neither Hermes nor a network is needed.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import time
import tomllib
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlite_utils import Database

from hermes_repair.salvage import Bundle, open_image, survey
from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import default_catalogue

HERE = Path(__file__).resolve().parent
NAMES = ("damaged", "healthy", "broken")
DAMAGE = "damage.toml"
ZONE = timezone(timedelta(hours=2))


def build(name: str, target: Path, now: float) -> Path:
    """Make the home ``name`` (one of ``NAMES``) at ``target`` and return that.

    ``now`` is in epoch seconds; only what the scripts tell by ``ago`` depends on it. The databases
    are at rest: in WAL mode, and without ``-wal`` or ``-shm``. Raises ``FileExistsError`` where
    ``target`` is there and not empty; nothing is overwritten.
    """
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty")
    source = HERE / name
    if (source / DAMAGE).exists():
        damage = tomllib.loads((source / DAMAGE).read_text(encoding="utf-8"))
        build(damage["home"], target, now)
        for page in damage["zeroed"]:
            _zero(target / "state.db", page["table"], page["leaf"])
        return target
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir() and path.name.startswith("state-"):
            _build_database(path, place.parent / "state.db", now)
        elif path.is_file() and not path.parent.name.startswith("state-"):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return target


def structure_sql(number: int) -> str:
    """Return the statements that make an empty database of schema ``number``.

    Raises ``KeyError`` for a number whose structure the catalogue does not know.
    """
    names = tuple(default_catalogue().versions[number].shapes)
    if not names:
        raise KeyError(number)
    path = catalogue_root() / "db" / "structure" / f"{names[0]}.sql"
    return path.read_text(encoding="utf-8")


def _build_database(folder: Path, path: Path, now: float) -> None:
    """Make the database ``path`` from the scripts in ``folder`` (``state-N``: schema N)."""
    number = int(folder.name.removeprefix("state-"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        database = Database(connection, recursive_triggers=False)
        database.register_function(_at, name="at", deterministic=True)
        database.register_function(lambda seconds: now - seconds, name="ago", deterministic=True)
        database.enable_wal()
        database.executescript(structure_sql(number))
        with database.atomic():
            database.table("schema_version").insert({"version": number})
            for script in sorted(folder.glob("*.sql")):
                for statement in _statements(script):
                    database.execute(statement)


def _zero(path: Path, table: str, number: int) -> None:
    """Overwrite the ``number``-th page with rows of ``table`` with NUL."""
    with open_image(Bundle(path)) as image:
        pages = survey(image)
        (root,) = [r.root for r in pages.schema_rows if (r.type, r.name) == ("table", table)]
        leaf = list(pages.leaves_of(root))[number - 1]
        place, size = (leaf.page - 1) * image.page_size, image.page_size
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes(size))


def _statements(script: Path) -> list[str]:
    """Return the statements of a script; what follows the last semicolon is a comment."""
    statements: list[str] = []
    begun = ""
    for line in script.read_text(encoding="utf-8").splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def main(arguments: list[str]) -> int:
    """Build the home that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Build an invented Hermes home.")
    parser.add_argument("target", type=Path, help="a folder that is empty or not there yet")
    parser.add_argument("name", nargs="?", choices=NAMES, default=NAMES[0], help="default: damaged")
    options = parser.parse_args(arguments)
    try:
        build(options.name, options.target, time.time())
    except (FileExistsError, NotADirectoryError) as error:
        print(f"{error}: name a folder that is empty or not there yet.", file=sys.stderr)
        return 2
    print(f"The {options.name} home is at {options.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
