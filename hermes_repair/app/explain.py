"""``explain``: what each finding means."""

from __future__ import annotations

from typing import TypeAlias

from hermes_repair.checks.registry import Check, all_checks, find_check
from hermes_repair.model.errors import UsageError

Explained: TypeAlias = Check
"""A finding with its text; ``live``: its repair may run beside a live Hermes."""


def explained() -> list[Explained]:
    """Return every finding that there is, by id."""
    return all_checks()


def explain(finding: str) -> Explained:
    """Return one finding by its id or name. Raises :class:`UsageError` where there is none."""
    named = (check for check in explained() if check.name == finding.lower())
    check = find_check(finding) or next(named, None)
    if check is None:
        raise UsageError(
            f"There is no finding {finding!r}.", "`hermes-repair explain` lists the findings."
        )
    return check
