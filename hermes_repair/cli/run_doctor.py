"""``doctor``, ``explain`` and ``ack`` from options to an exit code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.outside import folder_of
from hermes_repair.app.world import World
from hermes_repair.checks.registry import all_checks, find_check
from hermes_repair.checks.scene import Wishes
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.model.findings import Severity
from hermes_repair.records.acknowledgements import acknowledge
from hermes_repair.repair.planner import Selection
from hermes_repair.report import documents
from hermes_repair.report.doctor import SessionLabel, closing, findings
from hermes_repair.report.lines import Line, show


def doctor(
    target: Target,
    select: list[str],
    ignore: list[str],
    fail_on: str,
    deep: bool,
    release: str | None,
    timezone: str | None,
) -> int:
    """Run the doctor on every home that is meant."""
    selection = Selection(tuple(s.upper() for s in select), tuple(i.upper() for i in ignore))
    threshold = Severity[fail_on.upper()]
    wishes = Wishes(timezone=timezone, release=release, deep=deep)

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        found = diagnose(home, world, wishes, selection)
        bad = found.worst is not None and found.worst >= threshold
        if target.as_json:
            return _code(bad), document(found)
        _print(found, target)
        return _code(bad), None

    return each_home(target, work)


def _code(bad: bool) -> ExitCode:
    return ExitCode.FINDINGS if bad else ExitCode.OK


def document(found: Diagnosis) -> dict[str, Any]:
    """Return the JSON document of one diagnosis."""
    return {
        **documents.envelope(str(found.home.root), found.database),
        "findings": [documents.finding(finding, found.accepted) for finding in found.findings],
        "summary": documents.tally(list(found.findings), found.accepted),
        "notes": list(found.notes),
    }


def shown_labels(labels: dict[str, SessionLabel], target: Target) -> dict[str, SessionLabel]:
    """Return the labels as they may be shown: off a terminal without titles and details (R9)."""
    if target.show_titles:
        return labels
    return {session: replace(label, title=None) for session, label in labels.items()}


def _print(found: Diagnosis, target: Target) -> None:
    lines = heading(found.home, found.database, found.other_profiles)
    if found.live:
        lines.append(Line("Hermes is running; what was found was seen twice.", "dim"))
    if not target.quiet or found.findings:
        lines += findings(
            found.findings,
            shown_labels(found.labels, target),
            found.accepted,
            everything=target.verbose,
        )
    lines += [Line(f"Note: {note}", "dim") for note in found.notes]
    if not target.quiet:
        lines += closing(found.findings, found.accepted, target.option)
    show(lines)


def explain(finding: str, as_json: bool) -> int:
    """Print what one finding means."""
    check = find_check(finding)
    if check is None:
        known = ", ".join(made.id for made in all_checks())
        raise UsageError(f"There is no finding {finding!r}.", f"The findings are: {known}.")
    if as_json:
        documents.write(
            {
                "format_version": documents.FORMAT_VERSION,
                "id": check.id,
                "name": check.name,
                "severity": check.severity.word,
                "repair": check.remedy.value,
                "live": check.live,
                "text": check.text,
            }
        )
        return int(ExitCode.OK)
    head = f"{check.id} {check.name} ({check.severity.word}, repair: {check.remedy.value})"
    show([Line(head, "head"), *(Line(line) for line in check.text.splitlines())])
    return int(ExitCode.OK)


def ack(target: Target, fingerprint: str, reason: str) -> int:
    """Accept a finding that is there now."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        found = diagnose(home, world, Wishes(), Selection(), confirm=False)
        finding = next((f for f in found.findings if f.fingerprint == fingerprint), None)
        if finding is None:
            raise UsageError(
                f"No finding has the fingerprint {fingerprint!r}.",
                f"`hermes-repair doctor -v{target.option}` shows the fingerprints.",
            )
        acknowledge(folder_of(home), fingerprint, reason)
        if target.as_json:
            accepted = {**found.accepted, fingerprint: reason}
            return ExitCode.OK, {
                **documents.envelope(str(home.root), found.database),
                "acknowledged": documents.finding(finding, accepted),
            }
        show([Line(f"{finding.id} {finding.name} is accepted: {reason}")])
        return ExitCode.OK, None

    return each_home(target, work)
