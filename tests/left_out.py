"""Which tests are left out on this machine, and that nothing is left out without a word.

Three groups need what a clone has not: ``shared`` the folder of real databases and facts that lies
beside the development checkouts, ``releases`` the wheels of hermes-agent from the package index,
``chromium`` a browser that looks at the pages.
Each is told in one line at the end of a run, with its cause. With the environment variable ``CI``
set, a test that is skipped for any other reason than those in ``skips_allowed.txt`` fails the run.
"""

from __future__ import annotations

import os
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NoReturn

import pytest

ALLOWED = Path(__file__).with_name("skips_allowed.txt")
HOW = {
    "shared": "with HERMES_REPAIR_SHARED=FOLDER, .venv/bin/pytest -m shared runs them",
    "chromium": "with chromium-headless-shell of Debian, .venv/bin/pytest -m chromium runs them",
    "releases": "where the package index answers, .venv/bin/pytest -m releases runs them",
}
"""How each group is run."""


def leave_out(group: str, cause: str) -> NoReturn:
    """Skip the running test, because what its group needs is not here."""
    pytest.skip(f"{group}: {cause}")


def allowed(reason: str) -> bool:
    """Tell whether a test may be skipped for ``reason`` where the run is one of CI."""
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    patterns = [line.split("|")[0].strip() for line in lines if line and not line.startswith("#")]
    return any(fnmatchcase(reason, pattern) for pattern in patterns)


class LeftOut:
    """The plugin of a run: it counts what is skipped, by reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._count(report)

    def groups(self) -> Counter[tuple[str, str]]:
        """Return how many tests were left out by (group, cause)."""
        found: Counter[tuple[str, str]] = Counter()
        for reason, number in self.reasons.items():
            group, colon, cause = reason.partition(": ")
            if colon and group in HOW:
                found[group, cause] += number
        return found

    def unexplained(self) -> list[str]:
        """Return the reasons that are neither a group's nor on the list, where this is CI."""
        told = {f"{group}: {cause}" for group, cause in self.groups()}
        others = self.reasons.keys() - told if os.environ.get("CI") else ()
        return sorted(reason for reason in others if not allowed(reason))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexplained() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for (group, cause), number in sorted(self.groups().items()):
            terminalreporter.write_line(f"left out: {number} {group} ({cause}); {HOW[group]}")
        for reason in self.unexplained():
            terminalreporter.write_line(
                f"FAILED: {self.reasons[reason]} skipped, which {ALLOWED.name} does not name: "
                f"{reason}",
                red=True,
            )
