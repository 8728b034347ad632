"""Two databases of Hermes', row against row, in SQL: what is equal never comes to Python.

The rows of ``messages`` are joined by their ids. What is found lies in temporary tables of SQLite's
(ids and session ids, no text), in the order in which it is asked for. Nothing here relies on an
index of either database, and columns that a schema does not have yet read as their default.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from hermes_repair.model.values import Value, number, whole
from hermes_repair.store.attached_pair import CALLS, DEFAULTS, LAST, AttachedPair, Which
from hermes_repair.store.connections import open_side_by_side
from hermes_repair.store.look import Look, View

OUT_OF_ORDER_SECONDS = 3600.0
"""A row this much earlier than one before it was not written when it was said. A turn may take an
hour, and from 0.18.2 on its rows have the times of its messages."""

_REWRITTEN_CHATS = 20
"""So many chats that were perhaps written again are passed over; then nothing is said."""
_CHATS_AT_ONCE = 50  # where others wait for us
_CONTENT = ("role", "content", *CALLS)


@dataclass(frozen=True, slots=True)
class SharedIds:
    """What the message ids say that both have.

    ``same``: the highest with the same row (chat, role, content, calls, time) that was not perhaps
    written again on both sides, 0 without one. ``different``: the lowest with two different rows,
    None without one. ``alone``: how many rows each side has that the other does not have under that
    id. ``spare``: how many of the ids above ``same`` that nobody has are those of rows that were
    written again.
    """

    same: int
    different: int | None
    alone: Mapping[Which, int]
    spare: int


@dataclass(frozen=True, slots=True)
class Until:
    """What lies up to an id: the latest time on either side (epoch seconds, None without one), and
    whether ids above the last common row are missing on both sides.
    """

    latest: float | None
    gap: bool


FoundRow: TypeAlias = tuple[Value, ...]
"""``number`` of the chat, its session id, ``id``, ``role``, ``content``, ``tool_call_id``,
``tool_calls``, ``timestamp``, ``active``, ``compacted``, and whether it is out of order."""


class TwoDatabases(AttachedPair):
    """Queries over both. Beside a live Hermes each statement is one short read transaction."""

    def settle(self) -> SharedIds:
        """Find what is not the same. Everything below rests on what this found."""
        self._do(
            "CREATE TEMP TABLE unlike (side TEXT, id INTEGER, session_id, kind TEXT,"
            " PRIMARY KEY (side, id)) WITHOUT ROWID"
        )
        same = " AND ".join(self._same(name) for name in ("session_id", "timestamp", *_CONTENT))
        flags = " AND ".join(self._same(name) for name in DEFAULTS)
        content = " AND ".join(self._same(name) for name in _CONTENT)
        # The texts of both are read once: what the source has otherwise the home has otherwise.
        self._in_ranges(
            Which.SOURCE,
            "INSERT INTO temp.unlike SELECT 'source', source.id, source.session_id,"
            " CASE WHEN home.id IS NULL THEN 'absent'"
            f" WHEN {same} THEN 'flags'"
            f" WHEN {self._same('session_id')} AND ({content}) THEN 'time'"
            f" WHEN {self._same('timestamp')} AND ({self._same('session_id')} OR ({content}))"
            " THEN 'edited' ELSE 'different' END"
            f" FROM {self._table(Which.SOURCE)} LEFT JOIN {self._table(Which.HOME)}"
            " ON home.id = source.id WHERE source.id BETWEEN ? AND ?"
            f" AND (home.id IS NULL OR NOT ({same} AND {flags}))",
        )
        self._in_ranges(
            Which.HOME,
            "INSERT INTO temp.unlike SELECT 'home', home.id, home.session_id,"
            f" COALESCE(u.kind, 'absent') FROM {self._table(Which.HOME)}"
            f" LEFT JOIN {self._table(Which.SOURCE)} ON source.id = home.id"
            " LEFT JOIN temp.unlike u ON u.side = 'source' AND u.id = home.id"
            " WHERE home.id BETWEEN ? AND ? AND (source.id IS NULL OR u.id IS NOT NULL)",
        )
        return self._shared_ids("")

    def settle_without(self, home: Collection[int], source: Collection[int]) -> SharedIds:
        """Say the same of the ids without these, which runs of ours gave on either side.

        After :meth:`settle`.
        """
        self._do("CREATE TEMP TABLE given (id INTEGER PRIMARY KEY)")
        for ids in (home, source):
            given: list[Value] = [json.dumps(sorted(ids))]
            self._do("INSERT OR IGNORE INTO temp.given SELECT value FROM json_each(?)", given)
        return self._shared_ids(" AND NOT EXISTS (SELECT 1 FROM temp.given g WHERE g.id = home.id)")

    def _shared_ids(self, but: str) -> SharedIds:
        counted = self._run(
            "SELECT side, COUNT(*) FROM temp.unlike WHERE kind <> 'flags' GROUP BY side"
        )
        alone = dict.fromkeys(Which, 0) | {Which(side): whole(rows) for side, rows in counted}
        common = (
            "NOT EXISTS (SELECT 1 FROM temp.unlike u WHERE u.side = 'home' AND u.id = home.id"
            f" AND u.kind <> 'flags'){but}"
        )
        same, spare = self._last_common(common)
        # Above all common rows the same words at another time are another row.
        [(different,)] = self._run(
            "SELECT MIN(id) FROM temp.unlike WHERE side = 'home'"
            " AND (kind = 'different' OR (kind = 'time' AND id > ?))",
            [same],
        )
        first = different if isinstance(different, int) else None
        return SharedIds(same, first, alone, spare)

    def _last_common(self, common: str) -> tuple[int, int]:
        """Return the highest id with a row of the common past, and the ids that rewrites left.

        From 0.17.0 on a rewrite keeps times, so one on both sides gives the same rows under the
        same new ids. The first of them stands behind a gap, or behind a row that was said later.
        """
        table, passed, spare = self._table(Which.HOME), "", 0
        names: list[Value] = []
        for _ in range(_REWRITTEN_CHATS):
            found = list(
                self._run(
                    f"SELECT home.id, home.session_id FROM {table} WHERE {common}{passed}"
                    " ORDER BY home.id DESC LIMIT 1",
                    names,
                )
            )
            if not found:
                return 0, spare
            [(same, name)] = found
            active = self._column(Which.HOME, "active")
            [(first, latest, rows)] = self._run(
                f"SELECT MIN(home.id), MAX(home.timestamp), COUNT(*) FROM {table}"
                f" WHERE home.session_id IS ? AND {active} = 1 AND {common}",
                [name],
            )
            before = max(self._before(which, first) for which in Which)
            if first is None or (before[0] == whole(first) - 1 and before[1] <= _time(latest)):
                return whole(same), spare
            spare += min(whole(first) - 1 - before[0], whole(rows))
            names.append(name)
            passed += " AND home.session_id IS NOT ?"
        return 0, spare

    def _before(self, which: Which, first: Value) -> tuple[int, float]:
        """Return id and time of the last row before an id; 0 and no time where it is the first."""
        name = which.value
        rows = self._run(
            f"SELECT {name}.id, {name}.timestamp FROM {self._table(which)} WHERE {name}.id < ?"
            f" ORDER BY {name}.id DESC LIMIT 1",
            [first],
        )
        found = next(iter(list(rows)), None)
        return (0, float("-inf")) if found is None else (whole(found[0]), _time(found[1]))

    def until(self, shared: SharedIds, last: int) -> Until:
        """Say what lies up to the id ``last``."""
        same = shared.same
        times: list[float] = []
        ids = []
        unlike = "temp.unlike u ON u.side = 'source' AND u.id = source.id"
        read = {
            Which.HOME: self._table(Which.HOME),
            # The others of the source are as those of the home.
            Which.SOURCE: f"{self._table(Which.SOURCE)} JOIN {unlike}",
        }
        for which in Which:
            name = which.value
            found = self._in_ranges(
                which,
                f"SELECT MAX({name}.timestamp) FROM {read[which]}"
                f" WHERE {name}.id BETWEEN ? AND ?"
                f" AND {name}.id <= {last} AND typeof({name}.timestamp) IN ('real', 'integer')"
                f" AND {name}.timestamp < 1e300",
            )
            times += [at for (value,) in found if (at := number(value)) is not None]
            between = f"{name}.id > {same} AND {name}.id <= {last}"
            ids.append(f"SELECT {name}.id FROM {self._table(which)} WHERE {between}")
        [(present,)] = self._run(f"SELECT COUNT(*) FROM ({' UNION '.join(ids)})")
        return Until(max(times, default=None), last - same - whole(present) > shared.spare)

    def missing_at_home(
        self, above: int, mark: int | None, given: Collection[int]
    ) -> list[tuple[int, int, float, float | None]]:
        """Return the ids above this one and up to ``mark`` that the home does not have: the first,
        the last, and the times of the rows before and after: no time at all where there is none
        before, None where that after is no later. Rows with ``given`` ids, which have times of
        elsewhere, stand for nothing.
        """
        own = "home.id NOT IN (SELECT value FROM json_each(?2)) AND home.id >= ?1"
        values: list[Value] = [above, json.dumps(sorted(given))]
        spans = []
        for before, earlier, id, at in self._run(
            "SELECT before, earlier, id, at FROM (SELECT home.id AS id, home.timestamp AS at,"
            " LAG(home.id, 1, ?1) OVER (ORDER BY home.id) AS before,"
            " LAG(home.timestamp) OVER (ORDER BY home.id) AS earlier"
            f" FROM {self._table(Which.HOME)} WHERE {own}) WHERE id > before + 1",
            values,
        ):
            first, last = _time(earlier), _time(at)
            spans.append((whole(before) + 1, whole(id) - 1, first, last if last > first else None))
        highest = self._run(
            f"SELECT home.id, home.timestamp FROM {self._table(Which.HOME)} WHERE {own}"
            " ORDER BY home.id DESC LIMIT 1",
            values,
        )
        id, at = next(iter(list(highest)), (above, None))
        if mark is not None and mark > whole(id):
            spans.append((whole(id) + 1, mark, _time(at), None))
        return spans

    def arrange(self, shared: SharedIds, above: int) -> None:
        """Put the rows of the chats that differ in order, each from the first that is not the same.

        A row of the source above the id ``above`` is out of order where one before it, and above
        that id too, is later by more than :data:`OUT_OF_ORDER_SECONDS`.
        """
        self._do(
            "CREATE TEMP TABLE chat (number INTEGER PRIMARY KEY, session_id UNIQUE, first INTEGER)"
        )
        self._do(
            "INSERT INTO temp.chat (session_id, first) SELECT session_id,"
            f" MIN(CASE kind WHEN 'flags' THEN {LAST} ELSE id END) FROM temp.unlike"
            " WHERE typeof(session_id) = 'text' GROUP BY session_id"
        )
        self._do(
            "CREATE TEMP TABLE late (id INTEGER PRIMARY KEY)",
        )
        self._do(
            "INSERT INTO temp.late SELECT id FROM (SELECT source.id AS id, source.timestamp AS at,"
            " MAX(source.timestamp) OVER (ORDER BY source.id) AS before"
            f" FROM {self._table(Which.SOURCE)} WHERE source.id > ?"
            " AND typeof(source.timestamp) IN ('real', 'integer'))"
            f" WHERE at < before - {OUT_OF_ORDER_SECONDS}",
            [above],
        )
        self._do(
            "CREATE TEMP TABLE rest (side, number, id, PRIMARY KEY (side, number, id))"
            " WITHOUT ROWID"
        )
        [(first,)] = self._run("SELECT MIN(first) FROM temp.chat")
        for which in Which:
            where = f"{which.value}.id >= chat.first"
            self._choose("rest", which, "chat", where, whole(first))
        self._do("CREATE TEMP TABLE kept (number INTEGER PRIMARY KEY)")
        self._in_ranges(
            Which.HOME,
            f"INSERT OR IGNORE INTO temp.kept SELECT chat.number FROM {self._table(Which.HOME)}"
            " CROSS JOIN temp.chat AS chat ON chat.session_id = home.session_id"
            f" WHERE home.id BETWEEN ? AND ? AND home.id <= {shared.same}"
            f" AND {self._column(Which.HOME, 'active')} = 1",
        )

    def chats(self) -> Iterator[tuple[int, Value, bool]]:
        """Yield number and session id of every chat with messages that differ, by number, and
        whether the home shows a row of the common past in it.
        """
        for chat, session_id, kept in self._run(
            "SELECT number, session_id, EXISTS (SELECT 1 FROM temp.kept k WHERE k.number ="
            " chat.number) FROM temp.chat ORDER BY number"
        ):
            yield whole(chat), session_id, bool(kept)

    def rest(self, which: Which) -> Iterator[FoundRow]:
        """Yield those rows, chat by chat in the order of the numbers, by id."""
        yield from self._chosen("rest", which)

    def flags(self) -> Iterator[tuple[Value, ...]]:
        """Yield the number of the chat, the id, ``active`` and ``compacted`` of the home, and those
        of the source, of every common row with other flags; in the same order.
        """
        picked = ", ".join(
            self._column(which, name) for which in Which for name in ("active", "compacted")
        )
        yield from self._by_chats(
            f"SELECT chat.number, home.id, {picked} FROM temp.chat"
            " JOIN temp.unlike u ON u.session_id = chat.session_id"
            f" CROSS JOIN {self._table(Which.HOME)} ON home.id = u.id"
            f" CROSS JOIN {self._table(Which.SOURCE)} ON source.id = u.id"
            " WHERE chat.number BETWEEN ? AND ? AND u.side = 'home' AND u.kind = 'flags'"
            " ORDER BY chat.number, home.id"
        )

    def whole(self, which: Which, session_ids: Collection[Value]) -> Iterator[FoundRow]:
        """Yield all rows of these chats, chat by chat, by id."""
        self._do("DROP TABLE IF EXISTS temp.wanted")
        self._do("DROP TABLE IF EXISTS temp.wanted_rows")
        self._do("CREATE TEMP TABLE wanted (number INTEGER PRIMARY KEY, session_id UNIQUE)")
        self._do(
            "CREATE TEMP TABLE wanted_rows (side, number, id, PRIMARY KEY (side, number, id))"
            " WITHOUT ROWID"
        )
        for session_id in session_ids:
            self._do("INSERT OR IGNORE INTO temp.wanted (session_id) VALUES (?)", [session_id])
        self._choose("wanted_rows", which, "wanted", "1")
        yield from self._chosen("wanted_rows", which)

    def _choose(
        self, into: str, which: Which, chats: str, where: str, first: int = -LAST - 1
    ) -> None:
        """Note the rows of these chats by one pass over all messages from an id on."""
        self._in_ranges(
            which,
            f"INSERT INTO temp.{into} SELECT '{which.value}', {chats}.number, {which.value}.id"
            f" FROM {self._table(which)} CROSS JOIN temp.{chats} AS {chats}"
            f" ON {chats}.session_id = {which.value}.session_id"
            f" WHERE {which.value}.id BETWEEN ? AND ? AND ({where})",
            first,
        )

    def _chosen(self, noted: str, which: Which) -> Iterator[FoundRow]:
        names = ("id", *_CONTENT, "timestamp", *DEFAULTS)
        picked = ", ".join(self._column(which, name) for name in names)
        late = (
            "0" if which is Which.HOME else "EXISTS (SELECT 1 FROM temp.late l WHERE l.id = n.id)"
        )
        yield from self._by_chats(
            f"SELECT n.number, {which.value}.session_id, {picked}, {late} FROM temp.{noted} n"
            f" CROSS JOIN {self._table(which)} ON {which.value}.id = n.id"
            f" WHERE n.side = '{which.value}' AND n.number BETWEEN ? AND ?"
            " ORDER BY n.number, n.id"
        )

    def _by_chats(self, sql: str) -> Iterator[tuple[Value, ...]]:
        """Run a query between two numbers of chats; beside others for a few chats at a time."""
        if self._limit is None:
            yield from self._run(sql, [0, LAST])
            return
        table = "wanted" if "temp.wanted_rows" in sql else "chat"
        [(last,)] = self._run(f"SELECT COALESCE(MAX(number), 0) FROM temp.{table}")
        for first in range(1, whole(last) + 1, _CHATS_AT_ONCE):
            yield from self._run(sql, [first, first + _CHATS_AT_ONCE - 1])


def _time(value: Value) -> float:
    at = number(value)
    return float("-inf") if at is None else at


@contextmanager
def side_by_side(home: Look, source: Look) -> Iterator[TwoDatabases]:
    """Open two databases beside each other for reading, as the two looks see them.

    Raises :class:`~hermes_repair.model.errors.DatabaseUnreadable`, here and in every query.
    """
    databases = {
        which.value: (look.path, look.view is View.MAIN)
        for which, look in ((Which.HOME, home), (Which.SOURCE, source))
    }
    with closing(open_side_by_side(databases)) as connection:
        yield TwoDatabases(connection, home, source)
