"""Run the command line and end it as ``kill -9`` does before its n-th step.

``python -m tests.engine.killed N HOME ARGUMENT...``; with N = 0 it runs to its end and prints how
many steps there were on the last line of stderr.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hermes_repair.cli.guard import run
from tests.engine.faults import Shim, kill_at, shimmed


def main(arguments: list[str]) -> int:
    """Run ``arguments``; return the exit code of the command line."""
    number, home, *rest = arguments
    shim = Shim(Path(home), kill_at(int(number)))
    with shimmed(shim, in_process=False):
        code = run([*rest, "--home", home])
    print(len(shim.steps), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
