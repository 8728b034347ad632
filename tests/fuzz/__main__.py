"""``python -m tests.fuzz SEED [COUNT]``."""

import sys

from tests.fuzz.forked import main

sys.exit(main(sys.argv[1:]))
