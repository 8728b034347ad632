"""The command line: parse, call ``app``, render, exit."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of ``hermes-repair`` and ``python -m``."""
    from hermes_repair.cli.guard import run

    sys.exit(run(sys.argv[1:]))
