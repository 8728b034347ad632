"""The mark of AUTOINCREMENT: the highest id that a table ever gave, and whether it is known.

``sqlite_sequence`` keeps it, and it survives deleting all rows and VACUUM. A salvage that could not
read the mark writes the highest id that it saw anywhere, and beside it a row of our own that says
so. SQLite looks rows of ``sqlite_sequence`` up by the name of a table, so that it leaves this one
alone: it stays through VACUUM, backups, copies of the file and whatever Hermes writes.
"""

from __future__ import annotations

from hermes_repair.model.salvage_ledger import lower_bound_name
from hermes_repair.model.values import Value, whole
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look
from hermes_repair.store.new_database import NewDatabase

MESSAGES = "messages"


def known_mark(look: Look, table: str = MESSAGES) -> int | None:
    """Return the highest id that AUTOINCREMENT ever gave in a table; None where it is not known.

    0: it never gave one. It is not known where no table has AUTOINCREMENT, where the mark is gone
    or below an id that is there, and in a database that a salvage made without having read the
    mark: an id above all that are there may have been given and deleted before. That stays so for
    good, also after Hermes has given more ids and on every copy of the file. Nor is it in what the
    shell's ``.clone`` wrote: that has two marks, and SQLite goes on from the lower one.
    """
    if not look.has("sqlite_sequence"):
        return None
    if look.one("SELECT 1 FROM sqlite_sequence WHERE name = ?", [lower_bound_name(table)]):
        return None
    marks = list(look.rows("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]))
    last = look.one(f"SELECT MAX(rowid) FROM {quote(table)}")
    highest = whole(last[0]) if last is not None else 0
    if not marks and not highest:
        return 0
    mark = marks[0][0] if len(marks) == 1 else None
    return mark if isinstance(mark, int) and mark >= highest else None


def set_mark(database: NewDatabase, table: str, mark: int, *, known: bool) -> None:
    """Let a table give no id up to ``mark``, and say whether that is all that it ever gave.

    Raises ``sqlite3.Error`` where no table of the database has AUTOINCREMENT.
    """
    marks: dict[str, Value] = {table: mark}
    if not known:
        marks[lower_bound_name(table)] = mark
    for name, value in marks.items():
        database.query("DELETE FROM sqlite_sequence WHERE name = ?", [name])
        database.query("INSERT INTO sqlite_sequence VALUES (?, ?)", [name, value])
