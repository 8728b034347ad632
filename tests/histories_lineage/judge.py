"""What the product says and does of a home that a history ended in, held against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.app.environment import Run, real_environment
from hermes_repair.app.open_scene import open_scene
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import repair
from hermes_repair.checks.registry import all_checks
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import open_home
from hermes_repair.lineage.release_rules import RULES, picker
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.findings import Finding, Remedy, Severity
from tests.histories_lineage.play import Played
from tests.homes.database import columns_of
from tests.homes.home import opened

FAMILIES = ("LN", "MS", "SE", "LK")
NOT_SPOKEN = ("session_meta", "system")


@dataclass(slots=True)
class Table:
    """What was said, by finding and remedy; ``wrong`` names the histories that speak against it."""

    histories: int = 0
    said: Counter[tuple[str, str]] = field(default_factory=Counter)
    repaired: int = 0
    opened: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, played: Played) -> None:
        """Judge one history."""
        self.histories += 1
        before, listed, findings = _looked(played)
        for found in findings:
            self.said[found.id, found.remedy.value] += 1
        safe = [found for found in findings if found.remedy is Remedy.SAFE]
        alarms = [f for f in findings if f.severity > Severity.INFO and f.remedy is not Remedy.SAFE]
        wrong = [f"{f.id} {f.severity.name}" for f in alarms if not played.harm]
        if safe:
            self.repaired += 1
            closed = _closed(played.home)
            wrong += _repaired(played, safe, before, listed)
            # The next message goes where the gateway leads now, whatever was deleted.
            routed = {played.tip} if played.surface == "gateway" else set()
            opened = closed - _closed(played.home) - routed
            if opened:
                self.opened += 1
                wrong += _opened(played, opened)
        self.wrong += [f"{played}  [{reason}]" for reason in wrong]

    def lines(self) -> Iterator[str]:
        """Yield the table as text."""
        yield (
            f"{self.histories} histories, {self.repaired} repaired, {self.opened} of them opened"
            f" again, {len(self.wrong)} wrong"
        )
        for (id, remedy), number in sorted(self.said.items()):
            yield f"  {id} {remedy:7} {number:6}"
        yield from sorted(self.wrong, key=len)[:20]


def tabulate(homes: Iterable[Played]) -> Table:
    """Judge these histories."""
    table = Table()
    for played in homes:
        table.add(played)
    return table


Shown = Mapping[str, Sequence[tuple[str, float]]]
"""The messages of each session, as the truth writes them, with their times."""


def _looked(played: Played) -> tuple[Shown, Mapping[str, set[str]], list[Finding]]:
    with open_scene(
        Run(open_home(played.home), real_environment(lambda _: None)), LookOptions()
    ) as scene:
        findings = [
            found
            for made in all_checks()
            if made.id.startswith(FAMILIES)
            for found in made.find(scene)
        ]
        return _shown(played.home), _lists(scene), findings


def _lists(scene: Scene) -> Mapping[str, set[str]]:
    """Return what the list of each release shows."""
    return {
        version: {line.shown for line in picker(scene.graph, rule)}
        for version, rule in RULES.items()
    }


def _shown(home: Path) -> Shown:
    """Return the messages that releases show, by session."""
    with opened(home) as db:
        columns = columns_of(db, "messages")
        active = "active = 1" if "active" in columns else "1"
        found: dict[str, list[tuple[str, float]]] = {}
        for (session,) in db.execute("SELECT id FROM sessions"):
            found[session] = []
        for session, role, content, time in db.execute(
            f"SELECT session_id, role, content, timestamp FROM messages WHERE {active} ORDER BY id"
        ):
            if role not in NOT_SPOKEN:
                found.setdefault(session, []).append((f"{role}: {content}", time))
    return found


def _closed(home: Path) -> set[str]:
    """Return the sessions that compression closed."""
    with opened(home) as db:
        return {id for (id,) in db.execute(_CLOSED)}


_CLOSED = "SELECT id FROM sessions WHERE end_reason = 'compression'"


def _opened(played: Played, opened: set[str]) -> Iterator[str]:
    """Yield what is wrong with opening compressed chats again: no crash, or a delete after it."""
    deleted = {played.parents.get(session) for session in played.gone}
    if deleted & opened or not played.harm:
        yield "opened again, though what continued it was deleted"


def _repaired(
    played: Played, safe: Sequence[Finding], before: Shown, listed: Mapping[str, set[str]]
) -> Iterator[str]:
    """Repair what is SAFE, and yield what is wrong then."""
    ids = ", ".join(sorted({found.id for found in safe}))
    environment = real_environment(lambda _: None)
    done = repair(
        Run(open_home(played.home), environment),
        Request(LookOptions(), Selection(select=FAMILIES)),
        _yes,
    )
    if done.refused:
        yield f"{ids}: refused"
        return
    after, lists, left = _looked(played)
    if any(found.remedy is Remedy.SAFE for found in left):
        yield f"{ids}: not done in one run"
    if after.keys() != before.keys():
        yield f"{ids}: sessions came or went"
    for session, messages in after.items():
        was, now = (Counter(text for text, _ in each) for each in (before[session], messages))
        # Where the release lost one of several equal messages, copies of the others (with their
        # times) do not stand for it.
        stored = set(before[session]) if "lost" in played.harm else before[session]
        visible = Counter(text for text, _ in stored) & Counter(_said(played, session))
        if visible - now:
            yield f"{ids}: messages are hidden"
        # A repair of a lineage adds no message at all, so none is there twice that was not before.
        # What was, a race of two agents stored, or a rotation; MS001 asks where people may have.
        if now - was:
            yield f"{ids}: messages came back, or are there twice"
    for version, names in lists.items():
        if _number(version) < _number(played.release):
            continue  # it has never listed the branches of this one, and no update leads to it
        runs = {session for session, kind in played.made.items() if kind == "delegate"}
        if (names - listed[version]) & runs:
            yield f"{ids}: {version} lists a delegate's run"
        if listed[version] - names - runs - {s for s, shown in before.items() if not shown}:
            yield f"{ids}: {version} lists a chat no more"


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def _said(played: Played, session: str) -> list[str]:
    """Return what belongs in a session, as rows have it: calls of tools have no text."""
    return [
        "assistant: " if text.startswith("assistant: [") else text
        for text in played.said.get(session, ())
    ]


def _yes(_: object) -> bool:
    return True
