"""The command line: parse, call ``app``, render, exit."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of ``hermes-repair`` and ``python -m``."""
    try:
        from hermes_repair.cli import interrupts

        interrupts.keep_waiting()
        from hermes_repair.cli.guard import run

        code = run(sys.argv[1:])
        interrupts.keep_waiting()
    except KeyboardInterrupt:  # in the moment before they wait, where nothing has begun, or after
        code = 130
    sys.exit(code)
