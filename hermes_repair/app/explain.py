"""``explain``: what each finding means, and what may be said of all of them."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.checks.registry import Check, all_checks, find_check
from hermes_repair.model.errors import UsageError
from hermes_repair.model.findings import Remedy, Severity


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding as its check declares it; ``live``: its repair may run beside a live Hermes."""

    id: str
    name: str
    severity: Severity
    remedy: Remedy
    live: bool
    text: str

    @property
    def summary(self) -> str:
        """The first sentence or two of the text, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())


def explained() -> list[Explained]:
    """Return every finding that there is, by id."""
    return [_explained(check) for check in all_checks()]


def explain(finding: str) -> Explained:
    """Return one finding by its id. Raises :class:`UsageError` where there is none of that id."""
    check = find_check(finding)
    if check is None:
        raise UsageError(
            f"There is no finding {finding!r}.", "`hermes-repair explain` lists the findings."
        )
    return _explained(check)


def _explained(check: Check) -> Explained:
    return Explained(check.id, check.name, check.severity, check.remedy, check.live, check.text)
