"""Where a row may be written, by schema and beside what. No flag of any command overrides this.

From schema 23 on the search index reads ``messages`` and ``sessions``: an UPDATE of a message id
corrupts it, DELETE and INSERT keep it, and ``sessions.source`` and ``model_config._delegate_from``
decide which messages it holds. At every schema nothing is written to a table over which something
decides that no release makes (:mod:`.foreign_objects`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from hermes_repair.model.actions import (
    LOCK_TABLE,
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowAction,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.values import Value
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.foreign_objects import ForeignObject, find_foreign_objects
from hermes_repair.schema.foreign_objects import refusal as refusal_beside
from hermes_repair.schema.model_config import DELEGATE_MARK, read_config
from hermes_repair.schema.recognise import Family, Recognition
from hermes_repair.schema.structure import Structure

LOCK_COLUMNS = frozenset({"compression_failure_cooldown_until", "compression_failure_error"})
"""Columns of ``sessions`` that belong to the lock family (LK005)."""


@dataclass(frozen=True, slots=True)
class AllowedWrites:
    """What may be written. ``reason`` says why not everything, empty where everything may be.

    ``everything``: every repair of rows, DDL and index rebuilds (schema 11 to 22). ``sessions``:
    its columns by UPDATE, less what feeds the search index. ``messages``: rows of messages and
    their sessions by INSERT and DELETE. ``locks``: the lock family. ``search``: tables of the
    search index, made anew in the layout of a release that they have. ``foreign_objects`` stand in
    the way of what would be written to their tables, whatever else is allowed.
    """

    everything: bool
    sessions: bool
    messages: bool
    locks: bool
    reason: str
    search: bool = False
    foreign_objects: tuple[ForeignObject, ...] = ()

    @property
    def unlimited(self) -> bool:
        """Whether there is nothing that may not be written."""
        return self.everything and not self.foreign_objects

    @property
    def locks_only(self) -> bool:
        """Whether nothing but locks may be written, Hermes' own files included (schema 31 on)."""
        return self.locks and not self.sessions

    def refusal(self, action: Action) -> str:
        """Return why ``action`` must not run here, the empty text where it may."""
        return refusal_beside(self.foreign_objects, action) or self._by_schema(action)

    def _by_schema(self, action: Action) -> str:
        if self.everything or isinstance(action, FileCopy):
            return ""
        if isinstance(action, FileRewrite):
            return self.reason if self.locks_only else ""
        if isinstance(action, IndexRefill):
            reindexes = {sql.startswith("REINDEX ") for sql in action.statements} == {True}
            return "" if self.search or (reindexes and not self.locks_only) else self.reason
        if isinstance(action, Ddl):
            return self.reason
        return "" if self._allows(action) else self.reason

    def _allows(self, action: RowAction) -> bool:
        if action.table == LOCK_TABLE:
            return self.locks
        if action.table == "state_meta":
            mark = action.key.get("key") if isinstance(action, RowDelete) else None
            return self.search and isinstance(mark, str) and mark.startswith("fts_")
        if action.table == "messages":
            return self.messages and _keeps_id(action)
        if action.table != "sessions":
            return False
        if not isinstance(action, RowUpdate):
            return self.messages
        changed = frozenset(action.after)
        if changed <= LOCK_COLUMNS:
            return self.locks
        return self.sessions and _keeps_search(action)


def allowed_writes(recognition: Recognition, structure: Structure) -> AllowedWrites:
    """Say what may be written to the database that ``recognition`` and ``structure`` describe."""
    return replace(
        _by_family(recognition, structure),
        foreign_objects=find_foreign_objects(structure, recognition.number),
    )


def _by_family(recognition: Recognition, structure: Structure) -> AllowedWrites:
    number = recognition.number
    match recognition.family:
        case Family.REPAIRED:
            return AllowedWrites(True, True, True, True, "")
        case Family.OLD:
            reason = f"schema {number} is older than 11: migrate it first"
            return AllowedWrites(False, False, False, False, reason)
        case Family.EMPTY:
            reason = "this database has no sessions or messages table"
            return AllowedWrites(False, False, False, False, reason)
        case Family.NEWER:
            reason = f"schema {number} is newer than hermes-repair knows: it only cleans locks"
            return AllowedWrites(False, False, False, True, reason)
        case Family.LATER:
            doubt = messages_doubt(recognition, structure)
            reason = f"schema {number}: the search index depends on what would be written"
            if doubt:
                reason = f"schema {number}: {doubt}"
            shown = recognition.search
            known = shown.likely is not None and not shown.cjk_triggers
            return AllowedWrites(False, True, not doubt, True, reason, search=known)


def messages_doubt(recognition: Recognition, structure: Structure) -> str:
    """Return why messages of a schema 23 to 30 must not be written, empty where they may be."""
    version = default_catalogue().versions[recognition.number]
    if not version.shapes:
        return "its structure is unknown"
    search = recognition.search
    if search.cjk_triggers:
        return "it has the optional cjk search index"
    if search.unfinished:
        return "work on its search index is unfinished"
    if not search.whole or search.outdated:
        return "its search index is not that of a release"
    core = [f"{kind} {table}" for table in ("messages", "sessions") for kind in ("column", "table")]
    strange = [*recognition.missing, *recognition.extra]
    if any(name.split(".")[0] in ("messages", "sessions") for name in strange) or any(
        change.name.startswith(tuple(core)) for change in recognition.differences.changed
    ):
        return "its messages and sessions tables are not those of a release"
    expected = version.structure.triggers
    watching = {t.name for t in structure.triggers.values() if t.table in ("messages", "sessions")}
    known = {name for name in watching if name.startswith("messages_fts")} | expected.keys()
    if watching - known or not expected.keys() <= structure.triggers.keys():
        return "its triggers are not those of a release"
    return ""


def _keeps_id(action: RowAction) -> bool:
    """Whether a message keeps its id or moves by DELETE and INSERT, as :class:`RowMove` does."""
    return isinstance(action, RowMove | RowInsert) or "id" not in getattr(action, "after", {})


def _keeps_search(action: RowUpdate) -> bool:
    """Whether an update of a session leaves alone what decides on the search index."""
    if "source" in action.after or "id" in action.after:
        return False
    if "model_config" not in action.after:
        return True
    before = _delegate_mark(action.before.get("model_config"))
    return before == _delegate_mark(action.after["model_config"])


def _delegate_mark(value: Value) -> str:
    """Return the delegate mark as comparable text; text that is no object has none.

    That is how the triggers of schema 30 read it: ``json_valid`` first, else an empty object. What
    is neither NULL nor text is equal to itself only.
    """
    if value is not None and not isinstance(value, str):
        return repr(value)
    mark = (read_config(value) or {}).get(DELEGATE_MARK)
    return "" if mark is None else json.dumps(mark, sort_keys=True)
