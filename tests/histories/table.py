"""How often the product was right about a set of histories, as a table.

    python -m tests.histories.table systematic 2 1
    python -m tests.histories.table sampled SEED COUNT

``SAFE`` has to be right always. What is asked may be either; the table says how often it was which.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hermes_repair.model.findings import Severity
from tests.histories.acts import History, sampled, spelled, systematic
from tests.histories.judge import Fate, Outcome, Right, judge
from tests.histories.play import grow

LISTED = 12


@dataclass(slots=True)
class Table:
    """Counts of outcomes by release and by what is said of them."""

    histories: int = 0
    disagreed: int = 0
    sessions: int = 0
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    states: set[tuple[int, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    alarmed: list[str] = field(default_factory=list)
    misdated: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.sessions += 1
        comparison = outcome.comparison
        self.states.add((outcome.state, outcome.fate.value))
        said = spelled(outcome.history)
        if comparison.safe:
            what = "SAFE wrong" if outcome.right.wrong else "SAFE right"
            if outcome.right.wrong:
                self.wrong.append(f"{said}  [{outcome.session[-8:]}: {outcome.right.value}]")
        elif outcome.fate is Fate.NONE:
            what = "nothing missing"
        else:
            what = f"asked, {outcome.fate.value}"
        if outcome.undamaged and comparison.severity > Severity.INFO:
            self.alarmed.append(f"{said}  [{comparison.finding} {comparison.severity.name}]")
        # Under a clock that was set back, what was deleted may be older than all that is left, and
        # nothing shows it. Such chats are asked about, so only the reason that is named is wrong.
        set_back = any(step.act.split()[-1] == "behind" for step in outcome.history)
        if comparison.before_database and outcome.was_here and not set_back:
            self.misdated.append(said)
        if not comparison.safe and outcome.right is Right.DOUBLED:
            self.doubled.append(f"{said}  [{_class(outcome)}]")
        self.counts[outcome.history[-1].release, _class(outcome), what] += 1

    def total(self, what: str) -> int:
        """Return how many outcomes are counted under ``what``, one of ``COLUMNS``."""
        return sum(number for key, number in self.counts.items() if key[2] == what)


def _class(outcome: Outcome) -> str:
    """Return under which name an outcome is counted: its verdict, and why it is asked."""
    comparison = outcome.comparison
    why = comparison.doubt.value if comparison.doubt is not None else ""
    before = ", before the database" if comparison.before_database else ""
    return f"{comparison.verdict.value} {why}{before}"


def tabulate(histories: Iterable[History]) -> Table:
    """Play these histories and count what is said of them."""
    table = Table()
    for node in grow(histories):
        if node.against is not None:
            table.disagreed += 1
            table.against.append(f"{spelled(node.history)}  [{node.against}]")
            continue
        table.histories += 1
        for outcome in judge(node):
            table.add(outcome)
    return table


COLUMNS = (
    "SAFE right",
    "SAFE wrong",
    "asked, lost",
    "asked, taken",
    "asked, both",
    "nothing missing",
)


def lines(table: Table, by_release: bool = True) -> Iterator[str]:
    """Yield the table as text."""
    yield (
        f"{table.histories} histories, {table.sessions} chats with a file,"
        f" {len(table.states)} different states; left out because truth and release disagree:"
        f" {table.disagreed}"
    )
    for title, part in (("release", 0), ("said", 1)):
        keys = sorted({key[part] for key in table.counts})
        width = max(map(len, [*keys, title]))
        yield ""
        yield f"{title:{width}}" + "".join(f"{name:>17}" for name in COLUMNS)
        for key in keys:
            sums = [
                sum(n for k, n in table.counts.items() if k[part] == key and k[2] == column)
                for column in COLUMNS
            ]
            yield f"{key:{width}}" + "".join(f"{n or '':>17}" for n in sums)
    for title, found in (
        ("SAFE and wrong", table.wrong),
        ("undamaged, alarmed", table.alarmed),
        ("held here, though from before this database", table.misdated),
        ("doubled when asked for", table.doubled),
        ("truth and release disagree", table.against),
    ):
        yield ""
        yield f"{title}: {len(found)}"
        yield from (f"  {one}" for one in sorted(found, key=len)[:LISTED])


def main(arguments: list[str]) -> None:
    """Print the table of the set that is named."""
    kind, *numbers = arguments
    first, second = map(int, numbers)
    chosen: Iterable[History] = (
        systematic(first, second)
        if kind == "systematic"
        else sampled(first, second, before=(1, 2, 3, 4), after=(0, 1, 2))
    )
    began = time.monotonic()
    table = tabulate(chosen)
    print("\n".join(lines(table)))
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
