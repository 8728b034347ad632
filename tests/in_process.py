"""The commands as functions, in this process, where the clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from random import Random

from hermes_repair.app import migrate as migrate_app
from hermes_repair.app import repair as repair_app
from hermes_repair.app import undo as undo_app
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import Repaired
from hermes_repair.home.layout import Home, open_home
from hermes_repair.model.choices import LookOptions, Selection, WalChoice
from hermes_repair.model.findings import Finding, Severity
from tests.homes.small import NOW

WISHES = LookOptions()


def fixed_environment(
    tmp: Path, *, tell: Callable[[str], None] = lambda _sentence: None
) -> Environment:
    """Return a world without an installed Hermes whose clock stands still at ``NOW``."""
    return Environment(
        now=lambda: NOW,
        sleep=lambda _seconds: None,
        random=Random(0),
        environ={},
        user_home=tmp,
        platform="linux",
        zone=UTC,
        tell=tell,
    )


def look(root: Path, environment: Environment) -> Diagnosis:
    """Return what the doctor finds."""
    return diagnose(Run(open_home(root), environment), WISHES, Selection())


def ids(found: Diagnosis) -> list[str]:
    """Return the ids of the findings, each as often as it was found."""
    return sorted(finding.id for finding in found.findings)


def fatal(found: Diagnosis) -> Finding | None:
    """Return the finding that keeps every writing command out, if there is one."""
    return next((f for f in found.findings if f.severity is Severity.FATAL), None)


def repair(
    root: Path,
    environment: Environment,
    *,
    choice: WalChoice | None = None,
    backup: bool = False,
    selection: Selection | None = None,
) -> Repaired:
    """Run ``repair --yes``."""
    return repair_app.repair(
        Run(open_home(root), environment),
        Request(WISHES, selection or Selection(), choice, backup),
        lambda _proposal: True,
    )


def migrate(root: Path, environment: Environment, to: int = 14) -> migrate_app.Migrated:
    """Run ``migrate --to N --yes``; raises what kept it from being done."""
    done = migrate_app.migrate(Run(open_home(root), environment), to, False, lambda _way: True)
    if done.problem is not None:
        raise done.problem
    return done


def undo(root: Path, environment: Environment, receipt: str | None = None) -> undo_app.Undone:
    """Run ``undo --yes``."""
    return undo_app.undo(Run(open_home(root), environment), receipt, lambda _entries: True)


def home_of(root: Path) -> Home:
    """Return the home as the commands see it."""
    return open_home(root)
