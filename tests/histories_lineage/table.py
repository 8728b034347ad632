"""Prints how often the product was right about a set of histories.

python -m tests.histories_lineage.table RELEASE systematic LENGTH
python -m tests.histories_lineage.table RELEASE sampled SEED COUNT
python -m tests.histories_lineage.table RELEASE,LATER updated SEED COUNT
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.histories_lineage.acts import CLOCKS, SURFACES, sampled, systematic, updated
from tests.histories_lineage.judge import tabulate
from tests.histories_lineage.play import play, play_updated


def main(release: str, kind: str, *numbers: str) -> None:
    """Play the set on every surface and judge it."""
    first, count = (*map(int, numbers), 0)[:2]
    for number, surface in enumerate(SURFACES):
        clock = CLOCKS[(first + number) % len(CLOCKS)] if kind != "systematic" else CLOCKS[0]
        with tempfile.TemporaryDirectory(prefix="histories-") as folder:
            print(release, surface, clock)
            if kind == "updated":
                old, new = release.split(",")
                pairs = list(updated((old, new), first, count))
                homes = play_updated((old, new), surface, clock, pairs, Path(folder))
            else:
                every = systematic(first) if kind == "systematic" else None
                chosen = list(every or sampled(release, first, count))
                homes = play(release, surface, clock, chosen, Path(folder))
            print("\n".join(tabulate(homes).lines()))


if __name__ == "__main__":
    main(*sys.argv[1:])
