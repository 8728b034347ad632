"""Prints how often the product was right about a set of histories.

python -m tests.histories_lineage.table RELEASE systematic LENGTH
python -m tests.histories_lineage.table RELEASE sampled SEED COUNT
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.histories_lineage.acts import CLOCKS, SURFACES, sampled, systematic
from tests.histories_lineage.judge import tabulate
from tests.histories_lineage.play import play


def main(release: str, kind: str, *numbers: str) -> None:
    """Play the set on every surface and judge it."""
    first, count = (*map(int, numbers), 0)[:2]
    for number, surface in enumerate(SURFACES):
        chosen = list(systematic(first) if kind == "systematic" else sampled(release, first, count))
        clock = CLOCKS[(first + number) % len(CLOCKS)] if kind == "sampled" else CLOCKS[0]
        with tempfile.TemporaryDirectory(prefix="histories-") as folder:
            print(release, surface, clock)
            print("\n".join(tabulate(play(release, surface, clock, chosen, Path(folder))).lines()))


if __name__ == "__main__":
    main(*sys.argv[1:])
