"""``python -m tests.merging.table [release...] [--show]``: every pair of acts, counted."""

from __future__ import annotations

import argparse
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.merging.read_sides import compare_databases
from hermes_repair.merging.verdicts_of_chats import Comparison, Verdict
from hermes_repair.store.file_state import main_alone
from tests.merging.acts import MIGRATIONS, RELEASES, acts_of, bases_of, bases_updated
from tests.merging.apply import apply
from tests.merging.judge import Judgement, judge, judge_named
from tests.merging.play import Played, Player, playing


@dataclass(frozen=True, slots=True)
class Pair:
    """One merge and what became of it."""

    release: str
    base: str
    home: Played
    source: Played
    found: Comparison
    answer: Judgement

    def __str__(self) -> str:
        return f"{self.release} {self.base}: {self.home.acts} <- {self.source.acts}"


def pairs(
    player: Player, release: str, base: str, home_acts: Sequence[str], source_acts: Sequence[str]
) -> Iterator[Pair]:
    """Play both sides, and yield every merge of one of the second into one of the first."""
    home_base, source_base = player.bases(release, base)
    homes = [side for act in home_acts if (side := player.side(release, act, home_base))]
    sources = [side for act in source_acts if (side := player.side(release, act, source_base))]
    for home in homes:
        for source in sources:
            yield merged(player, release, base, home, source)


def migrated_pairs(
    player: Player, way: tuple[str, str], base: str, acts: tuple[Sequence[str], Sequence[str]]
) -> Iterator[Pair]:
    """Let a newer release update one side before its acts, and our route the other after them.

    ``acts`` are those of the side that is updated and of the other. Yields each pair twice, with
    the updated side as the home, which is where a source is brought to the schema of the home, and
    as the source, of which a home of an older schema has to be migrated first.
    """
    old, new = way
    bases = player.bases(old, base)
    for updated, other in (bases, bases[::-1]):
        ready = player.updated(new, updated)
        first = [side for act in acts[0] if (side := player.side(new, act, ready))]
        stayed = [side for act in acts[1] if (side := player.side(old, act, other))]
        second = [player.brought(new, side, _schema(first[0])) for side in stayed]
        for one in first:
            for two in second:
                home, source = (one, two) if updated == bases[0] else (two, one)
                yield merged(player, new, f"{base} of {old}", home, source)


def _schema(side: Played) -> int:
    with closing(sqlite3.connect(side.home / "state.db")) as db:
        [[number]] = db.execute("SELECT version FROM schema_version")
    return int(number)


def merged(player: Player, release: str, base: str, home: Played, source: Played) -> Pair:
    """Merge a source into a home, which this release reads, and judge what came of it."""
    found = compared(home.home, source.home)
    target = home.home.parent / "merged"
    target.mkdir(exist_ok=True)
    apply(home.home / "state.db", source.home / "state.db", found.brings, target / "state.db")
    shown, rows = player.read(release, target)
    answer = judge(home, source, found, shown, rows)
    answer.again = [one.session_id for one in compared(target, source.home).brings]
    for names in choices(found):
        chosen = compared(home.home, source.home, names)
        apply(home.home / "state.db", source.home / "state.db", chosen.brings, target / "state.db")
        named = judge_named(home, source, names, chosen, player.read(release, target)[0])
        named.again = [one.session_id for one in compared(target, source.home, names).brings]
        if named.wrong:
            answer.named[", ".join(names)] = named
    return Pair(release, base, home, source, found, answer)


def choices(found: Comparison) -> list[tuple[str, ...]]:
    """Return what its owner may name of what is left: each alone, and all."""
    left = [
        name
        for name, one in found.verdicts.items()
        if one.verdict in (Verdict.ASK, Verdict.REMOVED_OR_LOST) and one.bring is not None
    ]
    return [(name,) for name in left] + ([tuple(left)] if len(left) > 1 else [])


def compared(home: Path, source: Path, named: Collection[str] = ()) -> Comparison:
    """Compare the databases of two homes at rest."""
    with main_alone(home / "state.db") as ours, main_alone(source / "state.db") as theirs:
        return compare_databases(ours, theirs, named=named)


def main() -> None:
    """Print the table, and with ``--show`` every pair that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("releases", nargs="*", default=RELEASES)
    parser.add_argument("--base")
    parser.add_argument("--migrated", action="store_true", help="one side was updated")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--asked", action="store_true")
    options = parser.parse_args()
    print(
        "| release | base | pairs | back | left | twice | changed | again | named | asked | why |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    wrong: list[Pair] = []
    asking: list[Pair] = []
    for release in options.releases:
        for base in bases_of(release) if not options.migrated else ():
            if options.base in (None, base):
                with playing() as player:
                    found = list(pairs(player, release, base, acts_of(release), acts_of(release)))
                print(_line(release, base, found), flush=True)
                wrong += [pair for pair in found if pair.answer.wrong]
                asking += [pair for pair in found if pair.answer.asked]
    for old, new in MIGRATIONS if options.migrated else ():
        for base in bases_updated(old, new) if new in options.releases else ():
            if options.base in (None, base):
                acts = acts_of(new), acts_of(old)
                with playing() as player:
                    found = list(migrated_pairs(player, (old, new), base, acts))
                print(_line(f"{old} to {new}", base, found), flush=True)
                wrong += [pair for pair in found if pair.answer.wrong]
                asking += [pair for pair in found if pair.answer.asked]
    for pair in wrong if options.show else ():
        answer = pair.answer
        print(
            pair,
            answer.brought_back,
            answer.left_behind,
            answer.twice,
            answer.changed,
            answer.again,
            answer.named,
        )
    for pair in asking if options.asked else ():
        print(pair, [reason.value for reason in pair.answer.asked])


def _line(release: str, base: str, found: list[Pair]) -> str:
    answers = [pair.answer for pair in found]
    reasons = Counter(reason.value for answer in answers for reason in set(answer.asked))
    asked = sum(bool(answer.asked) for answer in answers)
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    counts = [
        sum(bool(one.brought_back) for one in answers),
        sum(bool(one.left_behind) for one in answers),
        sum(bool(one.twice) for one in answers),
        sum(bool(one.changed) for one in answers),
        sum(bool(one.again) for one in answers),
        sum(bool(one.named) for one in answers),
    ]
    cells = [release, base, len(found), *counts, f"{asked / len(found):.1%}", why]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
