"""The SQL of a migration in words."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.report.lines import Line
from hermes_repair.schema.route_preview import Shown


def sql_lines(part: Shown) -> Iterator[Line]:
    for statement, times in part.statements:
        text = statement.splitlines()
        yield from (Line(f"    {line}", "dim") for line in text[:-1])
        yield Line(f"    {text[-1]};" + (f"  -- {times:,} times" if times > 1 else ""), "dim")
