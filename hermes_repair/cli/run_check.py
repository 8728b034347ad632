"""``migrate --check`` from options to an exit code: silent, for a hook before Hermes starts."""

from __future__ import annotations

from typing import Any

from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.app.migrate import behind
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import json_documents


def check(target: Target, to: int | None) -> int:
    """Return 1 when a home that is meant is behind, else 0; print nothing but with --json."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        found = behind(home, environment, to)
        document = {
            **json_documents.envelope(str(home.root), place_of(home)),
            "behind": found,
        }
        return ExitCode.FINDINGS if found else ExitCode.OK, document

    return each_home(target, work)
