"""``ack``: a finding that the user accepts stays in the report and leaves the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import read_file_status
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import UsageError
from hermes_repair.model.findings import Finding

SHORTEST = 4  # characters of a fingerprint that name it, where no other begins with them
_SHOWS = advice("`{}` shows the fingerprints.", command("doctor", "-v"))


def accept(run: Run, named: str, reason: str) -> tuple[Finding, Diagnosis]:
    """Accept a finding that is there now; return it, and the look that showed it.

    ``named`` is its fingerprint or the beginning of it. Raises :class:`UsageError` where no finding
    has that fingerprint, or several have.
    """
    diagnosis = diagnose(run, LookOptions(), Selection(), confirm=False)
    findings = {finding.fingerprint: finding for finding in diagnosis.findings}
    fingerprint = _meant(named, findings, "No finding has")
    run.folder.acknowledge(fingerprint, reason)
    return findings[fingerprint], diagnosis


def take_back(run: Run, named: str) -> tuple[str, Finding | None, Diagnosis]:
    """Take an acceptance back; return its fingerprint, the finding if it is there, and the look.

    ``named`` as in :func:`accept`; raises :class:`UsageError` where nothing like it was accepted.
    """
    read_file_status(run.home)  # raises where there is no database
    fingerprint = _meant(named, run.folder.acknowledged(), "Nothing was accepted that has")
    run.folder.take_back(fingerprint)
    diagnosis = diagnose(run, LookOptions(), Selection(), confirm=False)
    there = (finding for finding in diagnosis.findings if finding.fingerprint == fingerprint)
    return fingerprint, next(there, None), diagnosis


def _meant(named: str, fingerprints: Iterable[str], nobody: str) -> str:
    known = set(fingerprints)
    meant = {known_one for known_one in known if known_one.startswith(named)}
    if named in known:
        return named
    if len(named) < SHORTEST or not meant:
        raise UsageError(f"{nobody} the fingerprint {named!r}.", _SHOWS)
    if len(meant) > 1:
        raise UsageError(f"{len(meant)} fingerprints begin with {named!r}.", _SHOWS)
    return meant.pop()
