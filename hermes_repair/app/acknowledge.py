"""``ack``: accepting a finding, so that it no longer counts in the exit code."""

from __future__ import annotations

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import folder_of
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import UsageError
from hermes_repair.model.findings import Finding
from hermes_repair.records import acknowledgements


def acknowledge(
    home: Home, environment: Environment, fingerprint: str, reason: str
) -> tuple[Finding, Diagnosis]:
    """Accept a finding that is there now; return it, and the look that showed it.

    Raises :class:`UsageError` where no finding has that fingerprint.
    """
    found = diagnose(home, environment, LookOptions(), Selection(), confirm=False)
    finding = next((f for f in found.findings if f.fingerprint == fingerprint), None)
    if finding is None:
        raise UsageError(
            f"No finding has the fingerprint {fingerprint!r}.",
            advice("`{}` shows the fingerprints.", command("doctor", "-v")),
        )
    acknowledgements.acknowledge(folder_of(home), fingerprint, reason)
    return finding, found
