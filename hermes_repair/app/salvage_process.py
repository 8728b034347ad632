"""The process that reads a damaged database as bytes and writes the new one.

``python -m hermes_repair.app.salvage_process``; :mod:`.salvage` starts it. It opens SQLite on new
files only. One JSON object a line, both ways. In: ``{"read": {"main": PATH, "wal": ..., "journal":
...}, "now": SECONDS}``, and when it has said what it found ``{"make": FOLDER, "deleted": BOOL}``;
the end of the input ends it. Out: ``{"tell": SENTENCE}`` at any time, then ``{"ledger":
DOCUMENT}``, ``{"made": DOCUMENT}``, or ``{"error": {...}}`` and the end.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from hermes_repair.app.salvage_check import require_sound_salvage
from hermes_repair.app.salvage_writing import DATABASE, SalvageWriter
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.model.salvage_ledger import (
    Ledger,
    Noted,
    SourceFile,
    as_document,
)
from hermes_repair.records.plan_database import sync
from hermes_repair.salvage import Bundle, PageKind, Trust
from hermes_repair.salvage.account import MESSAGES, SESSIONS, Account
from hermes_repair.salvage.damaged_database import DamagedDatabase, damaged_database
from hermes_repair.schema.catalogue import NEWEST_TARGET
from hermes_repair.schema.salvaged_structure import (
    KeptObject,
    SalvagedStructure,
    salvaged_structure,
)

LEDGER = "ledger.json"
ABANDONED = 1
"""How the process ends when nobody listens to it any more."""
STDIN = 0


def main() -> int:
    """Do what the lines on stdin ask for; the answer is on stdout, whatever happens."""
    orders: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    try:
        order = orders.get()
        given = {role: _path(order["read"].get(role)) for role in ("main", "wal", "journal")}
        _serve(Bundle(**given), order["now"], orders)
    except HermesRepairError as error:
        hint = error.hint if isinstance(error.hint, str) else str(error.hint)
        _say(error={"kind": type(error).__name__, "message": error.message, "hint": hint})
    except OSError as error:
        _say(error={"errno": error.errno, "message": error.strerror, "path": error.filename})
    return 0


def _serve(bundle: Bundle, now: float, orders: SimpleQueue[Any]) -> None:
    with damaged_database(bundle, _tell) as source:
        structure = _structure(source)
        tables = list(structure.tables)
        account, parts = source.count(tables, _tell)
        ledger = _ledger(bundle, source, structure, account)
        if not account.of(MESSAGES).read and not account.of(SESSIONS).read:
            raise Refused(
                "No message and no session can be read from these files.",
                "Nothing was written. Look for a copy of the database.",
            )
        _say(ledger=as_document(ledger))
        order = orders.get()
        folder = Path(order["make"])
        writer = SalvageWriter(source, structure, account, parts, folder, now, _tell)
        ledger = writer.write(ledger)
        if order["deleted"]:
            _tell("Looking for what was deleted.")
            ledger = replace(ledger, deleted=writer.write_deleted())
        _tell("Checking the new database.")
        orphans = require_sound_salvage(folder / DATABASE, ledger, structure.layout)
        ledger = replace(ledger, orphans=orphans)
        text = json.dumps(as_document(ledger), indent=1) + "\n"
        (folder / LEDGER).write_text(text, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o600)
            sync(path)
        _say(made=as_document(ledger))


def _structure(source: DamagedDatabase) -> SalvagedStructure:
    kept = [
        KeptObject(
            row.type,
            row.name,
            row.table,
            row.sql,
            certain=row.trust is Trust.TREE and not row.stale,
        )
        for row in source.assignment.schema.values()
        if row.sql
    ]
    number = source.assignment.number
    return salvaged_structure(NEWEST_TARGET if number is None else number, kept, source.with_rows())


def _ledger(
    bundle: Bundle, source: DamagedDatabase, structure: SalvagedStructure, account: Account
) -> Ledger:
    """Return what can be read, before anything is written."""
    image, assignment = source.image, source.assignment
    roles = {"main": bundle.main, "wal": bundle.wal, "journal": bundle.journal}
    sessions = tuple(sorted(account.session_ledgers(), key=lambda one: one.session_id))
    return Ledger(
        sources=tuple(
            SourceFile(role, str(path), path.stat().st_size)
            for role, path in roles.items()
            if path is not None and path.exists()
        ),
        page_size=image.page_size,
        encoding=image.encoding.value,
        pages=image.page_count,
        unread_pages=sum(source.survey.count(kind) for kind in (PageKind.UNREAD, PageKind.GARBAGE)),
        schema=structure.number,
        schema_by=assignment.number_from.name.lower(),
        notes=tuple(
            Noted(note.fact.name.lower(), note.fact.value, note.count) for note in image.notes
        ),
        tables=tuple(
            account.table_ledger(assignment.tables.get(name), name) for name in structure.tables
        ),
        sessions=sessions,
        sessions_whole=account.whole_sessions(),
        unassigned=sum(1 for _ in source.unassigned_rows()),
        left_out=structure.left_out,
    )


def _listen(orders: SimpleQueue[Any]) -> None:
    """Pass on each order; the end of the input ends whatever is going on."""
    begun = b""
    while data := os.read(STDIN, 1 << 16):
        *lines, begun = (begun + data).split(b"\n")
        for line in lines:
            orders.put(json.loads(line))
    os._exit(ABANDONED)


def _tell(sentence: str) -> None:
    _say(tell=sentence)


def _say(**what: Any) -> None:
    try:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()
    except OSError:
        os._exit(ABANDONED)  # the one who asked is gone, and so is the reason for all of this


def _path(named: str | None) -> Path | None:
    return Path(named) if named is not None else None


if __name__ == "__main__":
    sys.exit(main())
