"""What the product says of the home that a history ended in, held against the truth."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from pathlib import Path
from typing import Any

from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import open_home
from hermes_repair.host import Openers, OpenStatus
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.receipt_history import ReceiptHistory
from hermes_repair.schema.recognise import Recognition, recognise
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.store.file_state import Sides, at_rest, refuse_copy
from hermes_repair.store.look import Look
from hermes_repair.transcripts.verdicts import Comparison, Fill
from tests.histories.acts import LOSSES, History
from tests.histories.play import Node
from tests.homes.database import columns_of

NOW = 1_790_000_000.0
COMPARED = ("user", "assistant", "tool")
SAID = "said"

Text = tuple[str, str]


class Fate(Enum):
    """What became of the messages that only the file has."""

    NONE = "none"
    LOST = "lost"
    TAKEN = "taken"  # undone, deleted or compacted
    BOTH = "both"


class Right(Enum):
    """What a fill would do to the chat."""

    WHOLE = "whole"
    PART = "part"  # nothing wrong, but something that was lost is still missing
    REVIVED = "revived"
    DOUBLED = "doubled"
    ORDER = "order"
    NO_FILL = "no fill"

    @property
    def wrong(self) -> bool:
        return self in (Right.REVIVED, Right.DOUBLED, Right.ORDER)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One session of one home: what is said of it, and what is true."""

    history: History
    session: str
    comparison: Comparison
    fate: Fate
    right: Right
    state: int
    """Equal for homes that look alike to the comparison."""
    was_here: bool
    """Whether a row of what is missing was ever in this database."""

    @property
    def undamaged(self) -> bool:
        """Whether nothing befell the home but what people and releases do on purpose."""
        return not any(step.act.split()[-1] in LOSSES for step in self.history)


def judge(node: Node) -> Iterator[Outcome]:
    """Yield the outcome of every session of a home that has a transcript.

    The zone of the files is named, as by a person who wants all that can be had; where it changed,
    the home has to prove it.
    """
    marks = rows_of(node.home)
    zone = None if any(step.act == "travel" for step in node.history) else "UTC"
    with scene_of(node.home, node.history[-1].release, zone) as scene:
        for session, answer in scene.comparisons.answers.items():
            if answer.comparison is not None:
                yield _outcome(node, session, answer, answer.comparison, marks.get(session, []))


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    mark: str | None
    active: bool
    timestamp: float


def rows_of(home: Path) -> dict[str, list[Row]]:
    """Return the rows of every session, with their marks."""
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as db:
        columns = columns_of(db, "messages")
        active = "active" if "active" in columns else "1"
        found: dict[str, list[Row]] = {}
        for session, id, role, mark, shown, at in db.execute(
            f"SELECT session_id, id, role, tool_name, {active}, timestamp FROM messages ORDER BY id"
        ):
            mark = mark if role in COMPARED else None
            found.setdefault(session, []).append(Row(id, mark, shown == 1, at))
        return found


def _outcome(
    node: Node, session: str, answer: Compared, comparison: Comparison, rows: Sequence[Row]
) -> Outcome:
    words: dict[str, list[str]] = node.truth["words"]
    said: list[str] = node.truth["said"].get(session, [])
    fates: dict[str, str] = node.truth["fate"].get(session, {})
    lines = marks_of(answer.file.path)
    shown = {row.mark for row in rows if row.active}
    only = {mark for mark in lines if mark not in shown}
    lost = {mark for mark in only if fates.get(mark, SAID) == SAID}
    fate = {
        (False, False): Fate.NONE,
        (True, False): Fate.LOST,
        (False, True): Fate.TAKEN,
        (True, True): Fate.BOTH,
    }[bool(lost), bool(only - lost)]

    def texts(marks: Iterable[str]) -> list[Text]:
        return [(words[mark][0], words[mark][1]) for mark in marks]

    right = Right.NO_FILL
    if comparison.fill is not None and comparison.fill.lines:
        after = _after(comparison.fill, lines, rows)
        belongs = texts(mark for mark in said if fates.get(mark, SAID) == SAID)
        right = _right(texts(mark for mark, _ in after), belongs, texts(said))
        before = [row.timestamp for row in rows]
        stamps = [at for _, at in after]
        if not right.wrong and before == sorted(before) and stamps != sorted(stamps):
            right = Right.ORDER
        if right is Right.PART:
            wanted = Counter(texts([*lost, *(row.mark for row in rows if row.active and row.mark)]))
            if wanted <= Counter(texts(mark for mark, _ in after)):
                right = Right.WHOLE
    looks = (
        node.history[-1].release,
        [(row.id, row.mark, row.active) for row in rows],
        lines,
        comparison.verdict,
        comparison.safe,
        comparison.reason,
    )
    held = set(node.truth["held"].get(session, ()))
    filled = comparison.fill.lines if comparison.fill is not None else []
    was_here = any(lines[line] in held for line in filled)
    return Outcome(node.history, session, comparison, fate, right, hash(str(looks)), was_here)


def _after(fill: Fill, lines: Sequence[str], rows: Sequence[Row]) -> list[tuple[str, float]]:
    """Return the marks and times of the active messages of a session as a fill leaves them."""
    by_id = {row.id: row for row in rows}
    after = []
    for step in fill.steps:
        if step.line is not None:
            after.append((lines[step.line], step.timestamp or 0.0))
        elif step.row_id is not None:
            row = by_id[step.row_id]
            if row.active and row.mark is not None:
                after.append((row.mark, row.timestamp))
    return after


def _right(after: list[Text], belongs: list[Text], said: list[Text]) -> Right:
    if is_part(after, belongs):
        return Right.WHOLE if len(after) == len(belongs) else Right.PART
    if Counter(after) - Counter(said):
        return Right.DOUBLED
    if Counter(after) - Counter(belongs):
        return Right.REVIVED
    return Right.ORDER


def is_part(part: Iterable[object], whole: Iterable[object]) -> bool:
    """Whether ``part`` is a subsequence of ``whole``."""
    rest = iter(whole)
    return all(one in rest for one in part)


def marks_of(path: Path) -> list[str]:
    """Return the marks of the messages of a transcript, as the comparison counts its lines."""
    records: list[dict[str, Any]] = [json.loads(line) for line in path.open(encoding="utf-8")]
    return [record["tool_name"] for record in records if record["role"] in COMPARED]


@contextmanager
def scene_of(
    home: Path, release: str, zone: str | None, receipt_history: ReceiptHistory | None = None
) -> Iterator[Scene]:
    """Give the doctor's own scene of a home that nobody else has, without asking the machine."""
    found = open_home(home)
    sides = Sides(found.database.stat().st_size, 0, 0)
    with at_rest(found.database, sides, refuse_copy, check_file=False) as (look, state):
        structure, recognition = _recognised(release, look)
        yield Scene(
            home=found,
            look=look,
            file=state,
            structure=structure,
            recognition=recognition,
            openers=Openers(OpenStatus.NOBODY, complete=True),
            installed=(),
            receipt_history=receipt_history or ReceiptHistory(),
            look_options=LookOptions(timezone=zone),
            now=NOW,
            zone=UTC,
        )


_known: dict[str, tuple[Structure, Recognition]] = {}


def _recognised(release: str, look: Look) -> tuple[Structure, Recognition]:
    """Return the structure of a release's database: the same for all homes that it opened last."""
    if release not in _known:
        structure = read_structure(look.rows)
        _known[release] = structure, recognise(structure)
    return _known[release]
