"""What befalls a home: files as a kill leaves them, locks left behind, lost rows and lines."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.homes.database import columns_of
from tests.homes.home import opened
from tests.homes.small import HEALTHY, NOW

# --- Files as a kill leaves them; those that write rows do it to the small home ------------------

ONE_MORE = "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', ?, ?)"


COUNT = "UPDATE sessions SET message_count = message_count"


def add_message(db: sqlite3.Connection, text: str) -> None:
    """Add a message to the healthy session, and count it as Hermes does."""
    db.execute("BEGIN")
    db.execute(ONE_MORE, (HEALTHY, text, NOW))
    db.execute(f"{COUNT} + 1 WHERE id = ?", (HEALTHY,))
    db.execute("COMMIT")


def leave_wal(home: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Run statements and leave them in a -wal that nobody has open, as a kill does."""
    database = (home / "state.db").resolve()
    with opened(home) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        for sql, parameters in statements:
            db.execute(sql, parameters)
        kept = {side: Path(f"{database}{side}").read_bytes() for side in ("", "-wal")}
    for side, data in kept.items():
        Path(f"{database}{side}").write_bytes(data)


def crashed(home: Path) -> None:
    """Leave a -wal with one more message."""
    said: tuple[object, ...] = (HEALTHY, "one more", NOW)
    leave_wal(home, (ONE_MORE, said), (f"{COUNT} + 1 WHERE id = ?", (HEALTHY,)))


def all_in_the_wal(home: Path) -> None:
    """Leave a main file without a table and everything in the -wal, as 9 of 27 real installs."""
    database = home / "state.db"
    source = home / "source.db"
    database.rename(source)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
    empty = database.read_bytes()
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(database)) as new:
        new.execute("PRAGMA wal_autocheckpoint=0")
        old.backup(new)
        wal = Path(f"{database}-wal").read_bytes()
    source.unlink()
    database.write_bytes(empty)
    Path(f"{database}-wal").write_bytes(wal)


def zeroed_journal(home: Path) -> None:
    """Leave the journal of journal_mode=PERSIST: there, not empty, and over."""
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=PERSIST").fetchall()
        db.execute(f"{COUNT} WHERE id = ?", (HEALTHY,))
    journal = home / "state.db-journal"
    assert journal.stat().st_size > 0 and journal.read_bytes()[:1] == b"\0"


HALF_A_WRITE = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=DELETE").fetchall()
db.execute("PRAGMA cache_size=2")
db.execute("BEGIN")
db.execute("DELETE FROM sessions WHERE id = ?", (sys.argv[2],))
for n in range(400):
    db.execute("INSERT INTO messages (session_id, role, content, timestamp)"
               " VALUES (?, 'user', ?, 1.0)", (sys.argv[2], "half a write " * 50))
os.kill(os.getpid(), signal.SIGKILL)
"""


def hot_journal(home: Path) -> None:
    """Leave half a write and its journal: kill -9 after pages went to the file."""
    done = subprocess.run([sys.executable, "-c", HALF_A_WRITE, home / "state.db", HEALTHY])
    assert done.returncode == -signal.SIGKILL
    assert (home / "state.db-journal").read_bytes()[:1] == b"\xd9"


def leftover_shm(home: Path) -> None:
    """Leave a -shm alone, which some kills do."""
    (home / "state.db-shm").write_bytes(bytes(32768))


def newer_main_older_wal(home: Path) -> None:
    """Leave a main file beside the -wal of a moment before it, which goes back when joined.

    The -wal has every page (VACUUM), so that both views are sound; both have as many pages.
    """
    with opened(home) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        add_message(db, "first")
        db.execute("VACUUM")
        older = (home / "state.db-wal").read_bytes()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        pages = (home / "state.db").stat().st_size
        add_message(db, "later")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        newer = (home / "state.db").read_bytes()
    assert len(newer) == pages, "a difference in pages would be too easy"
    (home / "state.db").write_bytes(newer)
    (home / "state.db-wal").write_bytes(older)


# --- Locks ---------------------------------------------------------------------------------------

GONE_HOLDER = "pid=4000001:tid=7:agent=1c:nonce=00000001"


def leave_lock(
    home: Path,
    session: str,
    holder: str = GONE_HOLDER,
    *,
    acquired: float = -900,
    expires: float = -600,
) -> None:
    """Leave a lock; its times are in seconds from now."""
    now = time.time()
    with opened(home, timeout=30) as db:
        row = (session, holder, now + acquired, now + expires)
        db.execute("INSERT INTO compression_locks VALUES (?, ?, ?, ?)", row)


# --- What a chat loses in its rows or in its transcript ------------------------------------------

Hurt = Callable[[sqlite3.Connection, str, Path], None]


def ids_of(db: sqlite3.Connection, session: str) -> list[int]:
    """Return the ids of the messages of a session that a person sees, in order."""
    rows = db.execute(
        "SELECT id FROM messages WHERE session_id = ? AND role <> 'session_meta' ORDER BY id",
        [session],
    )
    return [row[0] for row in rows]


def drop(db: sqlite3.Connection, ids: list[int]) -> None:
    db.executemany("DELETE FROM messages WHERE id = ?", [[id] for id in ids])


def close_ids(db: sqlite3.Connection) -> None:
    """Give the messages ids without a gap, as if what was dropped had never been written.

    That is how rows are lost (another process held the write lock); rows that were taken out leave
    ids that nobody has.
    """
    names = ", ".join(name for name in columns_of(db, "messages") if name != "id")
    db.execute("CREATE TEMP TABLE kept AS SELECT * FROM messages ORDER BY id")
    db.execute("DELETE FROM messages")
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'messages'")
    db.execute(f"INSERT INTO messages ({names}) SELECT {names} FROM kept ORDER BY id")
    db.execute("DROP TABLE kept")


def front(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[: len(found) // 2])


def middle(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[len(found) // 3 : -len(found) // 3])


def tail(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[-len(found) // 4 :])


def all_rows(db: sqlite3.Connection, session: str, _file: Path) -> None:
    db.execute("DELETE FROM messages WHERE session_id = ?", [session])


def no_session(db: sqlite3.Connection, session: str, file: Path) -> None:
    all_rows(db, session, file)
    db.execute("DELETE FROM sessions WHERE id = ?", [session])


def torn(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b'{"role": "user", "content": "the power we')


def shorter(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))


def nothing(_db: sqlite3.Connection, _session: str, _file: Path) -> None:
    """This chat is as it was."""


def no_file(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    file.unlink()


HURTS: tuple[Hurt, ...] = (
    nothing,
    front,
    middle,
    tail,
    all_rows,
    no_session,
    torn,
    shorter,
    no_file,
    nothing,
)
