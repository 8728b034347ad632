"""``python -m hermes_repair``."""

from hermes_repair.cli import main

main()
