"""Whole homes with any mix of damage: look, plan, apply, look again and undo, on real files.

Each chat is truncated, loses rows or lines, has torn and repeated lines, goes on, is undone as the
releases undo it, and has a session log that may be stale. Whatever it is, nothing may be lost,
doubled, put out of order or brought back that was taken back, and undo gives back every value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from hermes_repair.app import repair as app
from hermes_repair.app.environment import Run
from hermes_repair.app.proposal import Request
from hermes_repair.evidence.database_history import IMPORTS_SINCE
from hermes_repair.home.layout import open_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.values import Value
from tests.homes.content import content, without_sequence
from tests.homes.folders import new_folder
from tests.homes.home import new_home, opened
from tests.in_process import fixed_environment, undo
from tests.unit.test_transcripts_properties import flat, keep, turns
from tests.unit.transcripts_model import START, Said, numbered, turn, wall_text

EXAMPLES = 12 if settings().derandomize else 400
"""A home is made, repaired twice and undone in about a second; many only where seeds are new."""
FLIP: st.SearchStrategy[bool] = st.booleans()
SCHEMAS = (13, 14, 17, 22)
LATER = START + 20 * 600.0
Text = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is stored."""

    said: Said
    active: bool = True


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat as the releases and its damage leave it.

    ``old`` was said while files were written, ``more`` after it; ``rows``, ``lines`` (bytes of the
    file) and ``log`` are what is left of it, the first ``block`` rows were written again at once.
    ``provable``: rows were lost, and the rows and the file prove that.
    """

    name: str
    old: Sequence[Said]
    more: Sequence[Said]
    rows: Sequence[Row]
    lines: Sequence[bytes] | None
    log: Sequence[Said] | None
    block: int = 0
    rewinds: int = 0
    undone: bool = False
    provable: bool = False
    counted: int | None = None

    @property
    def began(self) -> float:
        return START - 60

    @property
    def rewritten(self) -> bool:
        """Whether all its rows were taken out once and some of them written again (/undo)."""
        return self.undone and not self.rewinds


def line(said: Said) -> bytes:
    return json.dumps(said.message(), ensure_ascii=False).encode() + b"\n"


def hurt_lines(draw: st.DrawFn, lines: list[bytes]) -> list[bytes]:
    """Repeat a line and tear one, which is then glued to the next or not."""
    found = list(lines)
    repeats: bool = draw(FLIP, label="double writer")
    tears: bool = draw(FLIP, label="torn line")
    if found and repeats:
        at = draw(st.integers(0, len(found) - 1))
        found.insert(at, found[at])
    if found and tears:
        at = draw(st.integers(0, len(found) - 1))
        found[at] = found[at][: len(found[at]) // 2] + draw(st.sampled_from([b"", b"\n"]))
    return found


def stale(draw: st.DrawFn, old: list[Said]) -> list[Said] | None:
    """A session log: none, complete, cut to its end, or older than the rest."""
    kind = draw(st.sampled_from(["none", "complete", "cut", "older"]), label="log")
    size = draw(st.integers(1, max(len(old), 1)))
    return {"none": None, "complete": old, "cut": old[-size:], "older": old[:size]}[kind]


@st.composite
def lost(draw: st.DrawFn, name: str) -> Chat:
    """A chat that lost rows and lines and may have gone on."""
    old = flat(draw(turns()))
    more = flat(draw(turns(first=20, most=2))) if draw(st.booleans(), label="went on") else []
    kept = keep(draw, old, "rows")
    lines = hurt_lines(draw, [line(old[index]) for index in keep(draw, old, "file")])
    rows = [*(Row(old[index]) for index in kept), *(Row(said) for said in more)]
    return Chat(
        name,
        old,
        more,
        rows,
        lines if draw(st.integers(0, 7), label="file") else None,
        stale(draw, old),
        counted=draw(st.sampled_from([None, len(old) + len(more)])),
    )


@st.composite
def proven(draw: st.DrawFn, name: str) -> Chat:
    """A chat that lost its front or middle; the row of its last line is there, in its own turn."""
    old = numbered(draw(st.integers(2, 8), label="turns"))
    more = numbered(draw(st.integers(0, 2), label="went on"), start=20)
    rows = [*draw(st.lists(st.sampled_from(old[:-1]), unique=True), label="rows"), old[-1], *more]
    rows.sort(key=lambda said: said.stamped)
    lines = [line(said) for said in old]
    return Chat(name, old, more, [*map(Row, rows)], lines, stale(draw, old), provable=True)


@st.composite
def undone(draw: st.DrawFn, name: str, schema: int) -> Chat:
    """A chat whose end was taken back after its files were written, as the releases do that."""
    groups = draw(turns())
    old = flat(groups)
    users = [index for index, said in enumerate(old) if said.role == "user"]
    cut = draw(st.sampled_from(users), label="undone from")
    asked = draw(st.sampled_from(["nothing", "another", "same question", "same turn"]))
    more = {
        "nothing": [],
        "another": turn(21, "something else", "of course"),
        "same question": turn(21, old[cut].text, "another answer"),
        "same turn": turn(21, *(said.text for said in old[cut : cut + 2])),
    }[asked]
    ways = ["all rows at once", "all rows at once, times kept", "inactive rows"]
    way = draw(st.sampled_from(ways[: 3 if schema >= 14 else 2]), label="undo")
    event(way)
    kept, rewinds = [Row(said) for said in old[:cut]], 0
    if way == "all rows at once":
        kept = [
            Row(replace(row.said, stamped=LATER + number * 1e-6)) for number, row in enumerate(kept)
        ]
    elif way == "inactive rows":
        kept, rewinds = [*kept, *(Row(said, active=False) for said in old[cut:])], 1
    lines = hurt_lines(draw, [line(said) for said in old])
    return Chat(
        name,
        old,
        more,
        [*kept, *(Row(said) for said in more)],
        lines if draw(st.integers(0, 7), label="file") else None,
        stale(draw, old),
        block=0 if rewinds else len(kept),
        rewinds=rewinds,
        undone=True,
    )


@st.composite
def homes(draw: st.DrawFn) -> tuple[int, list[Chat]]:
    """A schema and its chats; the first one is whole and proves the zone of the home."""
    schema = draw(st.sampled_from(SCHEMAS))
    said = numbered(30)
    chats = [Chat(name_of(0), said, [], list(map(Row, said)), list(map(line, said)), said)]
    for number in range(1, draw(st.integers(2, 4))):
        name = name_of(number)
        kinds = [lost(name), proven(name), undone(name, schema), undone(name, schema)]
        chats.append(draw(draw(st.sampled_from(kinds))))
    return schema, chats


def name_of(number: int) -> str:
    return f"20260424_0306{number:02d}_{number:08x}"


def build(root: Path, schema: int, chats: Iterable[Chat]) -> Path:
    """Write the home."""
    with new_home(root, schema, wal=False) as db:
        events: list[tuple[float, Chat, Row | None]] = []  # without a row: all of the chat's go
        for place, chat in enumerate(chats):
            shown = sum(row.active for row in chat.rows)
            counted = shown if chat.counted is None else chat.counted
            names = "id, source, started_at, message_count, title"
            values: list[Value] = [chat.name, "telegram"]
            values += [chat.began, len(chat.rows) if chat.rewinds else counted, chat.name]
            if schema >= 14:
                names, values = f"{names}, rewind_count", [*values, chat.rewinds]
            marks = ", ".join("?" * len(values))
            db.execute(f"INSERT INTO sessions ({names}) VALUES ({marks})", values)
            write_files(root / "sessions", chat)
            if chat.rewritten:
                events += [(said.stamped, chat, Row(said)) for said in chat.old]
                events.append((LATER + place, chat, None))
            for number, row in enumerate(chat.rows):
                again = LATER + place + number * 1e-6  # a rewrite is one transaction
                at = again if number < chat.block else row.said.stamped
                events.append((at, chat, row))
        for _, chat, happened in sorted(events, key=lambda event: event[0]):
            if happened is None:
                db.execute("DELETE FROM messages WHERE session_id = ?", [chat.name])
                continue
            said = happened.said
            columns = "session_id, role, content, tool_call_id, timestamp"
            values = [chat.name, said.role, said.text, said.answers, said.stamped]
            if schema >= 14:
                columns, values = f"{columns}, active", [*values, int(happened.active)]
            marks = ", ".join("?" * len(values))
            db.execute(f"INSERT INTO messages ({columns}) VALUES ({marks})", values)
    return root


def write_files(folder: Path, chat: Chat) -> None:
    if chat.lines is not None:
        (folder / f"{chat.name}.jsonl").write_bytes(b"".join(chat.lines))
    if chat.log is not None:
        head = {
            "session_id": chat.name,
            "platform": "telegram",
            "session_start": wall_text(chat.began),
            "last_updated": wall_text(chat.log[-1].ended),
            "system_prompt": "You are.",
            "message_count": len(chat.log),
        }
        log = {**head, "messages": [said.message(timed=False) for said in chat.log]}
        (folder / f"session_{chat.name}.json").write_text(json.dumps(log, indent=2))


def stored_rows(root: Path, name: str, schema: int) -> list[tuple[object, ...]]:
    """Return the rows of a session by id, less the id."""
    active = "active" if schema >= 14 else "1"
    with opened(root) as db:
        return db.execute(
            f"SELECT role, content, tool_call_id, timestamp, {active} FROM messages"
            " WHERE session_id = ? ORDER BY id",
            [name],
        ).fetchall()


def texts(rows: Iterable[tuple[object, ...]]) -> list[Text]:
    """Return what was said in rows."""
    return [(str(row[0]), str(row[1])) for row in rows]


def words(said: Iterable[Said]) -> list[Text]:
    return [(one.role, one.text) for one in said]


def is_part(part: Iterable[object], whole: Iterable[object]) -> bool:
    """Whether ``part`` is a subsequence of ``whole``."""
    rest = iter(whole)
    return all(one in rest for one in part)


def backfill(root: Path, scratch: Path, named: frozenset[str] = frozenset()) -> int:
    """Run ``backfill --yes`` and return how many receipts it left; its second plan is empty."""
    home, environment, look_options = (
        open_home(root),
        fixed_environment(scratch),
        LookOptions(named=named),
    )
    chosen = Selection(select=("TR",), sessions=named)
    done = app.repair(
        Run(home, environment),
        Request(look_options, chosen),
        lambda _proposal: True,
        command="backfill",
    )
    assert done.complete
    again = app.preview(Run(home, environment), Request(look_options, chosen)).plan
    assert (again.now, again.waiting) == ((), ())
    return len(done.receipts)


def assert_kept(
    chat: Chat, before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> None:
    """No row is lost, changed or moved past another, and no message is there twice."""
    assert is_part(before, after), "a row that was there is gone, changed or out of order"
    said = words([*chat.old, *chat.more])
    assert Counter(texts(after)) <= Counter(said) | Counter(texts(before)), "a message twice"
    times = [float(str(row[3])) for row in before]
    if times == sorted(times):
        found = [float(str(row[3])) for row in after]
        assert found == sorted(found), "the order by (timestamp, id) is not the order by id"


# Without shrinking: a smaller example is not worth minutes of a failing run.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
@given(homes())
def test_any_damage(made: tuple[int, list[Chat]]) -> None:
    schema, chats = made
    with new_folder() as folder:
        root = build(folder / "home", schema, chats)
        original = without_sequence(content(root))
        before = {chat.name: stored_rows(root, chat.name, schema) for chat in chats}

        # What a rewrite took out, or an import may have left behind, speaks against all chats.
        nothing_gone = schema < IMPORTS_SINCE and not any(chat.rewritten for chat in chats)
        receipts = backfill(root, Path(folder))
        for chat in chats:
            after = stored_rows(root, chat.name, schema)
            assert_kept(chat, before[chat.name], after)
            said = words([*chat.old, *chat.more])
            if chat.undone:
                assert after == before[chat.name], "something that was undone came back"
            elif chat.provable and nothing_gone:
                event("provable")
                assert texts(after) == said, "a loss that is provable was not made good"
            elif len(after) > len(before[chat.name]):
                event("restored in part")
                assert is_part(texts(after), said), "order broken"

        asked = frozenset(chat.name for chat in chats)
        receipts += backfill(root, Path(folder), asked)
        for chat in chats:
            after = stored_rows(root, chat.name, schema)
            assert_kept(chat, before[chat.name], after)
            if chat.rewinds:
                shown = [row for row in after if row[4] != 1]
                assert shown == [row for row in before[chat.name] if row[4] != 1]

        for _ in range(receipts):
            undo(root, fixed_environment(Path(folder)))
        assert without_sequence(content(root)) == original, "undo is not exact"
