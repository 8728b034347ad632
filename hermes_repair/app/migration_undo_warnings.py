"""What follows from taking a migration back, said before it is done (R5).

The database is then at its older number again, and Hermes' next start makes the steps in between
its own way.
"""

from __future__ import annotations

from collections.abc import Sequence

from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.history import Entry
from hermes_repair.app.target_release import installed_for
from hermes_repair.home.installs import serving
from hermes_repair.home.layout import Home
from hermes_repair.records import plan_database
from hermes_repair.schema.data_steps import STEP


def warnings(home: Home, environment: Environment, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return one sentence for everything that Hermes would do again after these are taken back."""
    numbers = [pair for found in entries if (pair := _numbers(found)) is not None]
    if not numbers:
        return ()
    start, target = min(number for number, _ in numbers), max(number for _, number in numbers)
    known = serving(installed_for(home, environment, read_file_status(home)))
    said = []
    if known is not None and known.number is not None and known.number > start:
        said.append(
            f"The database is then at schema {start}, and Hermes {known.release} ({known.how})"
            f" expects {known.number}: its next start migrates it again, without a backup."
        )
    if start < STEP <= target:
        said.append(
            "The first start of Hermes 0.17.0 or later will mark sessions as delegate runs by"
            " their shape alone, and chats will vanish from its lists (LN010)."
        )
    return tuple(said)


def _numbers(found: Entry) -> tuple[int, int] | None:
    """Return (start, target) of a migration to a later number, None for any other run."""
    if found.header.command != "migrate" or not found.whole:
        return None
    start, target = found.header.schema, found.header.target
    if start is not None and target is not None:
        return (start, target) if start != target else None
    with plan_database.read(found.path) as receipt:  # of 0.1.0, which kept them in words only
        first, _, last = receipt.record(1).unit.subject.partition(" -> ")
    return (int(first), int(last)) if first.isdigit() and last.isdigit() else None
