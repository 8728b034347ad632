"""What ``salvage`` says, in words and as JSON: first how much can be read, then what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from hermes_repair.app.salvage import Salvaged
from hermes_repair.app.salvage_install import SalvagedInPlace
from hermes_repair.model.commands_to_type import advice, command, salvage_command
from hermes_repair.model.errors import Refused
from hermes_repair.model.salvage_ledger import (
    OPEN,
    SEARCH_COPY,
    VERSION_ROW,
    Ledger,
    Ranges,
    SessionLedger,
    TableLedger,
    as_document,
    in_ranges,
)
from hermes_repair.model.words import count, size, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line
from hermes_repair.salvage import Why
from hermes_repair.salvage.account import MESSAGES, SESSIONS
from hermes_repair.salvage.assignment import NumberFrom
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.salvaged_rows import Refusal

SHOWN = 20  # sessions, and runs of ids; -v shows all, and the ledger has them anyway

_CHANGED = {
    "sessions_made": "{} made for messages whose own is lost, titled as recovered.",
    "titles_made_unique": "{} shared by two sessions: the older one's says that it was recovered.",
    "values_without_a_column": "{} more values than the new table has columns.",
    "schema_version_set": "The schema number was set to what the new database is.",
    "unfinished_rebuild_settled": "A rebuild of the search index that Hermes had begun is done.",
}
_ASIDE = {
    "refused": "the table does not take it",
    "not_made": "its table is not made again",
}
_NOUNS = {
    "sessions_made": ("session was", "sessions were"),
    "titles_made_unique": ("title was", "titles were"),
    "values_without_a_column": ("row had", "rows had"),
}


def document(ledger: Ledger, made: Salvaged | None) -> dict[str, Any]:
    """Return what was found, and what was written, as JSON."""
    written = None
    if made is not None:
        written = {
            "path": str(made.database),
            "size": made.database.stat().st_size,
            "ledger": str(made.ledger_file),
            "unassigned": str(made.unassigned) if made.unassigned is not None else None,
            "deleted": str(made.deleted) if made.deleted is not None else None,
        }
    return {"salvage": as_document(ledger), "written": written}


def installed_document(done: SalvagedInPlace) -> dict[str, Any]:
    """Return what took the place of state.db, as JSON; null where that was declined."""
    installed = None
    if done.installed is not None:
        installed = {
            "receipt": done.installed.receipt.stem,
            "kept": str(done.installed.kept),
            "late": [process.pid for process in done.installed.late],
        }
    return {**document(done.ledger, None), "installed": installed}


def installed_lines(done: SalvagedInPlace, audience: Audience) -> Iterator[Line]:
    """Yield what took the place of state.db, where the old files are, and what to type next."""
    yield from map(Line, done.recovered)
    if done.installed is None:
        yield Line("Nothing was changed.", asked=True)
        return
    text = f"{done.name} is the new database, written and verified."
    yield Line(text, "good", asked=True)
    yield from _changes(done.ledger.changed)
    yield from _left_out(done.ledger)
    kept = advice(
        "The old files and the ledger are in {}; `{}` gives the files back.",
        str(done.installed.kept),
        command("undo"),
    )
    yield Line(audience.typed(kept))
    for process in done.installed.late:
        text = f"{process.describe()} opened the old file meanwhile, and what it writes is lost."
        yield Line(f"{text} To end that: {process.how_to_stop()}.", "error", asked=True)
    yield audience.next(command("doctor"))


def found_lines(ledger: Ledger, audience: Audience) -> Iterator[Line]:
    """Yield what can be read and what is lost, the verdict first. Nothing is written yet."""
    yield from _verdict(ledger) if ledger.store is None else _store_verdict(ledger)
    yield from _sessions(ledger, audience)
    yield from _other_tables(ledger)
    if ledger.unassigned:
        text = f"{count(ledger.unassigned, 'row')} {verb(ledger.unassigned, 'lies', 'lie')} on"
        yield Line(f"{text} pages whose table is not known: kept apart.", "warning")
    for note in ledger.notes:
        times = f" ({note.count:,} times)" if note.count > 1 else ""
        yield Line(f"Note: {note.words}{times}.", "dim")


def _verdict(ledger: Ledger) -> Iterator[Line]:
    messages, sessions = ledger.table(MESSAGES), ledger.table(SESSIONS)
    made = sum(session.made for session in ledger.sessions)
    lost = messages.lost_rows
    if ledger.complete:
        both = f"{count(messages.read, 'message')} and {count(sessions.read, 'session')}"
        yield Line(f"Everything can be read: {both}.", "good", asked=True)
        return
    yield from _beyond_tables(ledger)
    if ledger.schema_by != VERSION_ROW:
        how = NumberFrom.__members__.get(ledger.schema_by.upper(), NumberFrom.NOTHING).value
        text = f"The file does not say its schema number; {ledger.schema} is taken"
        yield Line(f"{text}: {how}.", "warning", asked=True)
    if lost:
        total = messages.read + lost
        ids = f": {_ids(messages.lost, SHOWN)}" if messages.lost else ""
        text = (
            f"{messages.read:,} of {count(total, 'message')} can be read;"
            f" {lost:,} {verb(lost, 'is', 'are')} lost{ids}."
        )
        yield Line(text, "error", asked=True)
    else:
        style = "good" if messages.proven_whole and not ledger.unread_pages else "warning"
        yield Line(f"{count(messages.read, 'message')} can be read.", style, asked=True)
    yield from _pages(messages)
    text = f"{count(sessions.read, 'session')} can be read"
    if sessions.lost_rows:
        text += f", {sessions.lost_rows:,} {verb(sessions.lost_rows, 'is', 'are')} lost"
    if made:
        text += (
            f"; {made:,} more {verb(made, 'has', 'have')} lost {verb(made, 'its', 'their')} own row"
            f" and {verb(made, 'keeps its', 'keep their')} messages under a new one"
        )
    yield Line(f"{text}.", "error" if made or sessions.lost_rows else "good", asked=True)
    yield from _pages(sessions)
    for table in (messages, sessions):
        yield from _details(table)


def _store_verdict(ledger: Ledger) -> Iterator[Line]:
    """Yield how much can be read of a database that is not state.db."""
    tables = [table for table in ledger.tables if table.read]
    read = count(sum(table.read for table in tables), "row")
    if ledger.complete:
        text = f"Everything can be read: {read} in {count(len(tables), 'table')}."
        yield Line(text, "good", asked=True)
        return
    yield from _beyond_tables(ledger)
    lost = sum(table.lost_rows for table in ledger.tables)
    if lost:
        text = f"{read} can be read; {lost:,} {verb(lost, 'is', 'are')} lost."
    else:
        text = f"{read} can be read."
    yield Line(text, "error" if lost else "warning", asked=True)


def _beyond_tables(ledger: Ledger) -> Iterator[Line]:
    """Yield what may be missing that no table can tell."""
    messages, unread = ledger.table(MESSAGES), ledger.unread_pages
    bounded = messages.ids_open and messages.highest_id_known
    most = (
        f"up to {count(messages.ids_open, 'message')} more may be missing"
        if bounded
        else "rows may be missing that nothing names"
    )
    if unread:
        text = f"{count(unread, 'page')} {verb(unread, 'holds', 'hold')} nothing readable"
        yield Line(f"{text}: {most}.", "error", asked=True)
    if not ledger.tables_known:
        text = "The list of tables on page 1 is damaged, so nothing proves that this is all"
        more = f": {most}" if bounded and not unread else ""
        yield Line(f"{text}{more}.", "warning", asked=True)


def _pages(table: TableLedger) -> Iterator[Line]:
    """Yield how much of a table is gone of which nothing tells what it was."""
    number = table.pages_in_question
    if number:
        text = f"{count(number, 'page')} of {table.name} {verb(number, 'is', 'are')} gone"
        if table.places_lost:
            text += f" ({_ids(table.places_lost, SHOWN)})"
        yield Line(f"{text}: nothing tells how many rows lay there.", "warning", asked=True)


def _details(table: TableLedger) -> Iterator[Line]:
    """Yield why rows of a table are in doubt or gone."""
    if not table.highest_id_known:
        text = f"The highest id that {table.name} ever gave is not known (at least"
        why = "whether a later one was deleted cannot be told"
        yield Line(f"{text} {table.highest_id or 0:,}): {why}.", "warning", asked=True)
    for name, number in sorted(table.marked.items()):
        text = f"{_rows(table, number)} {verb(number, 'is', 'are')} in doubt: {_words(Mark, name)}."
        yield Line(text, "warning", asked=True)
    for name, number in sorted(table.broken.items()):
        text = f"{_rows(table, number)} cannot be read: {_words(Why, name)}."
        yield Line(text, "error", asked=True)
    for name, number in sorted(table.aside.items()):
        if name == "part":
            kept = f"the text of {_rows(table, number)} that {verb(number, 'is', 'are')} lost"
            text = f"The search index has {kept}: kept in a side file, without who said it."
            yield Line(text, "warning", asked=True)
            continue
        why = _ASIDE.get(name) or _words(Refusal, name)
        yield Line(f"{_rows(table, number)} {verb(number, 'goes', 'go')} to a side file: {why}.")
    if SEARCH_COPY in table.by_origin:
        number = table.by_origin[SEARCH_COPY]
        text = (
            f"{_rows(table, number)} {verb(number, 'is', 'are')} from the copy in the search index,"
            " which has the text, but no reasoning and no tool call ids."
        )
        yield Line(text, "warning", asked=True)
    if table.unknown_columns:
        number = table.unknown_columns
        yield Line(
            f"The names of {count(number, 'column')} of {table.name} are not known: their values"
            " stay out.",
            "warning",
            asked=True,
        )


def _rows(table: TableLedger, number: int) -> str:
    nouns = {MESSAGES: "message", SESSIONS: "session"}
    if table.name in nouns:
        return count(number, nouns[table.name])
    return f"{count(number, 'row')} of {table.name}"


def _words(words: type[Enum], name: str) -> str:
    found = words.__members__.get(name.upper())
    return str(found.value) if found is not None else name


def _sessions(ledger: Ledger, audience: Audience) -> Iterator[Line]:
    """Yield the sessions that lost something, a line each, those that lost most first."""
    if not ledger.sessions:
        return
    worst = sorted(ledger.sessions, key=lambda one: (-in_ranges(one.lost), one.session_id))
    shown = worst if audience.verbose else worst[:SHOWN]
    yield Line("")
    for session in shown:
        yield Line(f"  {session.session_id or '(empty id)'}: {_of_session(session)}", asked=True)
    if len(worst) > len(shown):
        left = len(worst) - len(shown)
        yield Line(f"  ... and {left:,} more; -v shows all, and the ledger names them.", "dim")
    yield Line("")


def _of_session(session: SessionLedger) -> str:
    lost = in_ranges(session.lost)
    if lost:
        total = count(session.messages + lost, "message")
        read = f"{session.messages:,} of {total} can be read"
        parts = [f"{read}, lost: {_ids(session.lost, 3)}"]
    else:
        parts = [f"{count(session.messages, 'message')} can be read"]
    if session.counted is not None and session.counted > session.messages + lost:
        parts.append(f"its own count says {session.counted:,}")
    if session.marked:
        parts.append(f"{session.marked:,} {verb(session.marked, 'is', 'are')} in doubt")
    if session.row_marked:
        parts.append("what its row says is in doubt")
    if session.made:
        parts.append("its row is lost and is made anew")
    return ", ".join(parts)


def _ids(ranges: Ranges, shown: int) -> str:
    named = [
        f"from {first} on" if last == OPEN else str(first) if first == last else f"{first}-{last}"
        for first, last in ranges[:shown]
    ]
    more = f" and {len(ranges) - shown:,} more" if len(ranges) > shown else ""
    return f"{'id' if in_ranges(ranges) == 1 else 'ids'} {', '.join(named)}{more}"


def _other_tables(ledger: Ledger) -> Iterator[Line]:
    whole = 0
    for table in ledger.tables:
        if table.name in (MESSAGES, SESSIONS) and ledger.store is None:
            continue
        lost = table.lost_rows
        gone = table.pages_in_question
        doubt = table.in_doubt or not table.highest_id_known
        if not (lost or doubt or table.aside or table.unknown_columns or gone):
            whole += 1
            continue
        text = f"{table.name}: {count(table.read, 'row')} can be read"
        if lost:
            text += f", {lost:,} {verb(lost, 'is', 'are')} lost"
        yield Line(f"{text}.", "warning", asked=True)
        yield from _pages(table)
        yield from _details(table)
    if whole and not (ledger.store is not None and ledger.complete):
        noun = "table" if ledger.store is not None else "other table"
        yield Line(f"{count(whole, noun)} can be read completely.", "dim")


def next_lines(
    ledger: Ledger, audience: Audience, name: str | None, refused: Refused | None
) -> Iterator[Line]:
    """Yield what is not made again, and what to type after a look that wrote nothing.

    ``name`` is that of the database, None for state.db; ``refused`` says why nothing may take its
    place.
    """
    yield from _left_out(ledger)
    if refused is not None:
        yield Line(refused.message, "head")
        if refused.hint:
            yield Line(audience.typed(refused.hint))
        return
    write = advice(
        f"Nothing was written. To put it in the place of {name or 'state.db'}: `{{}}`. Into"
        " a file: `{}`.",
        salvage_command(name, "--install"),
        salvage_command(name, "--out", "FILE"),
    )
    yield Line(audience.typed(write), "head")


def made_lines(made: Salvaged, audience: Audience) -> Iterator[Line]:
    """Yield what was written and where."""
    yield from map(Line, made.recovered)
    ledger = made.ledger
    told = size(made.database.stat().st_size)
    yield Line(f"Written and verified: {made.database} ({told}).", "good", asked=True)
    yield from _changes(ledger.changed)
    for table, number in sorted(ledger.orphans.items()):
        text = f"{count(number, 'row')} of {table} {verb(number, 'refers', 'refer')} to a row"
        yield Line(f"{text} that is lost; `doctor` names them.", "dim")
    yield from _left_out(ledger)
    yield Line(f"What was read and what was lost is in {made.ledger_file}.")
    if made.unassigned is not None:
        yield Line(f"What has no place in it is in {made.unassigned}.")
    if made.deleted is not None:
        yield Line(f"{count(ledger.deleted or 0, 'row')} that had been deleted: {made.deleted}.")
    elif ledger.deleted == 0:
        yield Line("Nothing that had been deleted can still be read.")
    yield Line("The damaged files are as they were.", "dim")


def _left_out(ledger: Ledger) -> Iterator[Line]:
    for name in ledger.left_out:
        text = f"Left out, because Hermes does not make it or it cannot be made: {name}."
        yield Line(text, "warning", asked=True)


def _changes(changed: Mapping[str, int]) -> Iterator[Line]:
    for name, number in sorted(changed.items()):
        words = _CHANGED.get(name, f"{name}: {{}}")
        one, many = _NOUNS.get(name, ("", ""))
        yield Line(words.format(f"{number:,} {verb(number, one, many)}"), "dim")
