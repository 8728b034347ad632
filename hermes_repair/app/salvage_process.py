"""The process that reads a damaged database as bytes and writes the new one.

``python -m hermes_repair.app.salvage_process``; :mod:`.salvage` starts it. It opens SQLite on new
files only. One JSON object a line, both ways. In: ``{"read": {"main": PATH, "wal": ..., "journal":
...}, "now": SECONDS, "notes": [...], "expected": NUMBER, "store": NAME}``, and when it has said
what it found ``{"make": FOLDER, "deleted": BOOL}``; the end of the input ends it. Out: ``{"tell":
SENTENCE}`` at any time, then ``{"ledger": DOCUMENT}``, ``{"made": DOCUMENT}``, or ``{"error":
{...}}`` and the end.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from hermes_repair.app.salvage_work import salvage_of
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.salvage_ledger import Noted, as_document
from hermes_repair.salvage import Bundle

ABANDONED = 1
"""How the process ends when nobody listens to it any more."""
STDIN = 0
YOUNG_OBJECTS = 100_000
"""Between two searches for cycles. Rows make none, and at 700, as Python has it, they take a tenth
of the time."""
TRIES = 100


def main() -> int:
    """Do what the lines on stdin ask for; the answer is on stdout, whatever happens."""
    gc.set_threshold(YOUNG_OBJECTS)
    orders: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    try:
        order = orders.get()
        given = {role: _path(order["read"].get(role)) for role in ("main", "wal", "journal")}
        notes = tuple(Noted(**note) for note in order["notes"])
        _serve(Bundle(**given), order, notes, orders)
    except HermesRepairError as error:
        hint = error.hint if isinstance(error.hint, str) else str(error.hint)
        _say(error={"kind": type(error).__name__, "message": error.message, "hint": hint})
    except OSError as error:
        _say(error={"errno": error.errno, "message": error.strerror, "path": error.filename})
    return 0


def _serve(
    bundle: Bundle, read: dict[str, Any], notes: tuple[Noted, ...], orders: SimpleQueue[Any]
) -> None:
    expected, store = read.get("expected"), read.get("store")
    with salvage_of(bundle, read["now"], _tell, notes, expected, store) as salvage:
        _say(ledger=as_document(salvage.ledger))
        order = orders.get()
        _say(made=as_document(salvage.write(Path(order["make"]), deleted=order["deleted"])))


def _listen(orders: SimpleQueue[Any]) -> None:
    """Pass on each order; the end of the input ends whatever is going on.

    Who asked may have been killed, and then nobody else removes what is made in the folder.
    """
    begun = b""
    folders: list[str] = []
    while data := os.read(STDIN, 1 << 16):
        *lines, begun = (begun + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "make" in order:
                folders.append(order["make"])
            orders.put(order)
    for folder in folders:
        for _ in range(TRIES):  # what is written at this moment may appear in it once more
            shutil.rmtree(folder, ignore_errors=True)
            if not Path(folder).exists():
                break
    os._exit(ABANDONED)


def _tell(sentence: str) -> None:
    _say(tell=sentence)


def _say(**what: Any) -> None:
    try:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()
    except OSError:
        threading.Event().wait()  # who asked is gone; the thread that listens ends all of this


def _path(named: str | None) -> Path | None:
    return Path(named) if named is not None else None


if __name__ == "__main__":
    sys.exit(main())
