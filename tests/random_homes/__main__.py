"""``python -m tests.random_homes FIRST COUNT``: the homes of COUNT seeds from FIRST on."""

from __future__ import annotations

import sys
import time

from tests.random_homes.homes import judged

first, count = map(int, sys.argv[1:])
began = time.monotonic()
figures = judged(range(first, first + count))
print("\n".join(figures.lines()))
print(f"{time.monotonic() - began:.0f} s")
