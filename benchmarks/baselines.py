"""What our work is measured against, and our own work with a part of it timed.

Each function is one child process: ``python -m benchmarks.baselines NAME ARGUMENT...``. Imports are
made where they are needed, so that no process pays for another's.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import closing
from pathlib import Path


def integrity_check(database: str) -> None:
    """SQLite's own check of the file."""
    import sqlite3

    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise ValueError(f"integrity_check says {found}")


def scan(database: str) -> None:
    """Read every message once."""
    import sqlite3

    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        connection.execute("SELECT SUM(LENGTH(content)) FROM messages").fetchall()


def decode(folder: str) -> None:
    """Decode every line of every transcript; a torn one counts as read."""
    import orjson

    for path in sorted(Path(folder).glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue


def decode_and_read(home: str) -> None:
    """Decode every line of every transcript, and read what their sessions hold as rows."""
    import sqlite3

    decode(f"{home}/sessions")
    uri = f"file:{home}/state.db?immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        for path in sorted(Path(home, "sessions").glob("*.jsonl")):
            for _ in connection.execute(
                "SELECT id, role, content, tool_calls, tool_call_id, timestamp FROM messages"
                " WHERE session_id = ?",
                [path.stem],
            ):
                pass


def copy(source: str, target: str) -> None:
    """Copy the file and bring it to the disk."""
    shutil.copyfile(source, target)
    for place in (target, str(Path(target).parent)):
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def checked_copy(source: str, target: str) -> None:
    """Copy the file, bring it to the disk, and have SQLite check the copy."""
    copy(source, target)
    integrity_check(target)


def sqlite_backup(source: str, target: str) -> None:
    """Copy the database through SQLite, which brings it to the disk as well."""
    import sqlite3

    with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(target)) as made:
        held.backup(made)


def rewrite(database: str, sessions: str) -> None:
    """Delete and insert all rows of the sessions named in a file; print the seconds of that."""
    import sqlite3

    names = [(line,) for line in Path(sessions).read_text(encoding="utf-8").splitlines()]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        rows = [
            row
            for name in names
            for row in connection.execute(
                "SELECT * FROM messages WHERE session_id = ? ORDER BY id", name
            )
        ]
        marks = ", ".join("?" * len(rows[0]))
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM messages WHERE session_id = ?", names)
        connection.executemany(f"INSERT INTO messages VALUES ({marks})", rows)
        connection.execute("COMMIT")
        print(time.perf_counter() - begun)


def backup_aside(*arguments: str) -> None:
    """Run hermes-repair with ``arguments``; print the seconds that its file backup took."""
    from hermes_repair.app import apply_units
    from hermes_repair.cli import main as hermes_repair

    spent = 0.0
    names = vars(apply_units)
    work = names["back_up"]

    def timed(*given: object, **named: object) -> None:
        nonlocal spent
        begun = time.perf_counter()
        work(*given, **named)
        spent += time.perf_counter() - begun

    names["back_up"] = timed
    sys.argv = ["hermes-repair", *arguments]
    try:
        hermes_repair()
    except SystemExit as ended:
        if ended.code:
            raise
    if not spent:
        raise LookupError("no backup was taken, so none can be set aside")
    print(spent)


def ids(database: str) -> None:
    """Read the ids of all messages and of all entries of the search index, with their sizes."""
    import sqlite3

    begun = time.perf_counter()
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        for table in ("messages_fts", "messages_fts_trigram"):
            connection.execute("SELECT SUM(id) FROM messages NOT INDEXED").fetchall()
            connection.execute(f"SELECT SUM(id), SUM(LENGTH(sz)) FROM {table}_docsize").fetchall()
    print(time.perf_counter() - begun)


def search_ids(database: str) -> None:
    """Compare the ids of messages and search index both ways; its pages are sampled besides."""
    from hermes_repair.evidence.search_coverage import read_search_index
    from hermes_repair.schema.recognise import recognise
    from hermes_repair.schema.structure import read_structure
    from hermes_repair.store.file_state import main_alone

    with main_alone(Path(database)) as look:
        structure = read_structure(look.rows)
        recognition = recognise(structure)
        begun = time.perf_counter()
        index = read_search_index(look, structure, recognition, deep=False)
        spent = time.perf_counter() - begun
    if not all(table.coverage and table.coverage.same_rows for table in index.tables):
        raise ValueError(f"the index is not whole: {index}")
    print(spent)


def search_insert(database: str) -> None:
    """Insert the text of all messages into empty search tables, and commit."""
    _fill_search(database, rebuilt=False)


def search_rebuild(database: str) -> None:
    """Make the search tables anew as a repair does, compare them with the messages, and commit."""
    _fill_search(database, rebuilt=True)


def select_messages(database: str) -> None:
    """Read every column of every message through SQLite, and print the seconds."""
    import sqlite3

    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        begun = time.perf_counter()
        for _ in connection.execute("SELECT * FROM messages"):
            pass
        print(time.perf_counter() - begun)


def select_both(home: str, copy: str) -> None:
    """Read every column of every message of two files through SQLite, and print the seconds."""
    import sqlite3

    begun = time.perf_counter()
    for database in (home, copy):
        with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
            for _ in connection.execute("SELECT * FROM messages"):
                pass
    print(time.perf_counter() - begun)


def compare_copy(home: str, copy: str) -> None:
    """Hold a copy against a home, and print the seconds."""
    from hermes_repair.merging.read_sides import compare_databases
    from hermes_repair.store.file_state import main_alone

    begun = time.perf_counter()
    with main_alone(Path(home)) as ours, main_alone(Path(copy)) as theirs:
        found = compare_databases(ours, theirs)
    if not found.brings or found.rows.alone != found.rows.never_here:
        raise ValueError(f"only what is new was to be found: {found.rows}")
    print(time.perf_counter() - begun)


def salvage_messages(database: str) -> None:
    """Read the same from the bytes: look at every page, then decode; print the seconds."""
    from hermes_repair.salvage import Bundle, cells, open_image, survey

    begun = time.perf_counter()
    with open_image(Bundle(Path(database))) as image:
        found = survey(image)
        root = next(row.root for row in found.schema_rows if row.name == "messages")
        for leaf in found.leaves_of(root):
            for cell in cells(image, leaf):
                if cell.values is None:
                    raise ValueError(f"a row of a sound database was not read: {cell}")
    print(time.perf_counter() - begun)


def salvage_damaged(database: str, folder: str) -> None:
    """Salvage a damaged file into a folder.

    Prints as JSON the processor seconds of the search index and the most bytes of memory that are
    not of files; then the processor seconds of reading and writing, without search and check.
    """
    import gc
    import json
    import threading

    from hermes_repair.app.salvage_process import YOUNG_OBJECTS
    from hermes_repair.app.salvage_work import salvage_of
    from hermes_repair.salvage import Bundle

    gc.set_threshold(YOUNG_OBJECTS)
    spent = {"search": 0.0, "check": 0.0, "work": 0.0}
    most, kind, begun = 0, "work", time.process_time()

    def tell(sentence: str) -> None:
        nonlocal most, kind, begun
        now = time.process_time()
        spent[kind] += now - begun
        begun = now
        kind = next((k for words, k in APART.items() if sentence.startswith(words)), "work")

    def watch() -> None:
        nonlocal most
        while True:
            most = max(most, _anonymous_memory())
            time.sleep(LOOKED_EVERY)

    threading.Thread(target=watch, daemon=True).start()
    with salvage_of(Bundle(Path(database)), time.time(), tell) as salvage:
        salvage.write(Path(folder))
        tell("")
    print(json.dumps({"search": spent["search"], "memory": most}))
    print(spent["work"])


LOOKED_EVERY = 0.1
"""Seconds between two looks at the memory."""
APART = {"Making the search index": "search", "Checking the new database": "check"}
"""What a salvage says when it begins with something that is measured for itself."""


def _anonymous_memory() -> int:
    """Return the bytes that this process has for itself (RssAnon); 0 where that is not told."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0]) * 1024 if found else 0


def inserted_rows(database: str, target: str) -> None:
    """Read all rows of the tables into Python and insert them into a new file, search aside.

    Prints the processor seconds of that and of making their indexes.
    """
    import sqlite3

    begun = time.process_time()
    with (
        closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32768"):
            new.execute(f"PRAGMA {pragma}")
        made = old.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN"
            " ('table', 'index') AND name NOT LIKE 'messages_fts%' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY type DESC"
        ).fetchall()
        new.execute("BEGIN")
        for kind, name, sql in made:
            new.execute(sql)
            if kind == "table":
                rows = old.execute(f'SELECT * FROM "{name}"')
                marks = ", ".join("?" * len(rows.description))
                new.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
        new.execute("COMMIT")
    print(time.process_time() - begun)


def _fill_search(database: str, *, rebuilt: bool) -> None:
    from hermes_repair.evidence.search_coverage import read_search_index
    from hermes_repair.schema.recognise import recognise
    from hermes_repair.schema.route import message_bounds
    from hermes_repair.schema.search_rebuild import rebuild
    from hermes_repair.schema.structure import read_structure
    from hermes_repair.store.connections import open_for_writing
    from hermes_repair.store.look import Look, View

    with closing(open_for_writing(Path(database), live=False)) as connection:
        look = Look(connection, View.MAIN, Path(database))
        structure = read_structure(look.rows)
        recognition = recognise(structure)
        layout, tables = recognition.search.layout, ("messages_fts", "messages_fts_trigram")
        if layout is None:
            raise ValueError("no layout of a release")
        bounds = message_bounds(look.rows) if rebuilt else ()
        statements = {table: rebuild(structure, layout, table, bounds) for table in tables}
        if not rebuilt:
            for table in tables:
                connection.execute(f"DROP TABLE {table}")
            for table in tables:
                connection.execute(statements[table][-5])
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for table in tables:
            for sql in statements[table] if rebuilt else statements[table][-4:-3]:
                connection.execute(sql)
        if rebuilt:
            index = read_search_index(look, structure, recognition, deep=True)
            if any(one.coverage is None or not one.coverage.same_rows for one in index.tables):
                raise ValueError(f"the index is not whole: {index}")
        connection.execute("COMMIT")
        print(time.perf_counter() - begun)


WORK = {
    work.__name__: work
    for work in (
        integrity_check,
        scan,
        decode_and_read,
        copy,
        checked_copy,
        sqlite_backup,
        rewrite,
        backup_aside,
        ids,
        search_ids,
        search_insert,
        search_rebuild,
        select_messages,
        select_both,
        compare_copy,
        salvage_messages,
        salvage_damaged,
        inserted_rows,
    )
}

if __name__ == "__main__":
    WORK[sys.argv[1]](*sys.argv[2:])
