"""What other ways make of two homes that went apart: ``python -m benchmarks.other_merges``.

Two copies of one home of 0.19.0; in each, the same chat and one of its own go on, 13 messages a
side. Each way brings the second into the first, and the release reads the result. Prints a Markdown
table. It needs apsw with SQLite's session extension and its binaries (both in apsw's wheels).
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

import tests.releases
from tests.merge.homes import base, merge, play, view

VERSION = "0.19.0"
SAY = "for n in range({}): db.append_message({!r}, 'user', {!r} + ' ' + str(n))"
TABLES = ("sessions", "messages")
WORDS = ("here", "there")
HEAD = "| way | shown of the home's 13 | of the other's 13 | chats that mix both | how |"


def apart(folder: Path) -> tuple[Path, Path]:
    """Return a home and another that went apart from it: 6 + 7 messages said in each."""
    home, other = base(VERSION, folder)
    with closing(sqlite3.connect(home / "state.db")) as db:
        db.execute("VACUUM INTO ?", [str(folder / "common.db")])
    for place, word, chat in ((home, "here", "mine"), (other, "there", "theirs")):
        begin = f"db.create_session({chat!r}, source='cli')"
        acts = [SAY.format(6, "choir", f"{word} too"), begin, SAY.format(7, chat, word)]
        play(VERSION, place, "\n".join(acts))
        with closing(sqlite3.connect(place / "state.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home, other


def newest_file(home: Path, other: Path) -> str:
    """Keep the file that was written last, as a synced folder does."""
    shutil.copyfile(other / "state.db", home / "state.db")
    return "the file that was written last stays"


def sqldiff(home: Path, other: Path) -> str:
    """Apply what sqldiff says makes the home's tables equal to the other's."""
    tool = Path(apsw.__file__).parent / "sqlite_extra_binaries" / "sqlite3_diff"
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for table in TABLES:
            files = (home / "state.db", other / "state.db")
            words = [str(tool), "--primarykey", "--table", table, *map(str, files)]
            db.executescript(subprocess.run(words, capture_output=True, text=True).stdout)
    return "its SQL applied to `sessions` and `messages`"


def session_extension(home: Path, other: Path) -> str:
    """Apply what the other did since they went apart, as SQLite's session extension records it.

    Both write the same new ids: what is in the way stays, as a program does that wants to lose
    nothing of its own.
    """
    common = home.with_name("common.db")
    with closing(apsw.Connection(str(other / "state.db"))) as changed:
        changed.execute("ATTACH ? AS common", [str(common)])
        session = apsw.Session(changed, "main")
        for table in TABLES:
            session.attach(table)
            session.diff("common", table)
        changes = session.changeset()
    with closing(apsw.Connection(str(home / "state.db"))) as db:
        apsw.Changeset.apply(changes, db, conflict=lambda *_: apsw.SQLITE_CHANGESET_OMIT)
    return "its changeset since the common file; conflicts omitted"


def ours(home: Path, other: Path) -> str:
    """Merge as it is typed."""
    done = merge(home, other)
    assert done.code == 0, done
    return "`merge`; `undo` takes it back"


WAYS: dict[str, Callable[[Path, Path], str]] = {
    "newest file wins": newest_file,
    "sqldiff": sqldiff,
    "session extension": session_extension,
    "hermes-repair": ours,
}


def row(name: str, way: Callable[[Path, Path], str], folder: Path) -> str:
    """Return one line: what of both sides the release shows after a merge, and how it was done."""
    folder.mkdir()
    home, other = apart(folder)
    how = way(home, other)
    shown = [{text for _, text in said} for said in view(VERSION, home).values()]
    told = set().union(*shown)
    kept = [sum(text.startswith(f"{word} ") for text in told) for word in WORDS]
    mixed = sum(
        all(any(t.startswith(f"{word} ") for t in chat) for word in WORDS) for chat in shown
    )
    return f"| {name} | {kept[0]} | {kept[1]} | {mixed} | {how} |"


def main() -> int:
    """Print the table."""
    tests.releases.permitted = True
    print(HEAD)
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, way) in enumerate(WAYS.items()):
            print(row(name, way, Path(folder) / str(number)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
