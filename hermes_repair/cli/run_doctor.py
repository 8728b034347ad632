"""``doctor``, ``explain`` and ``ack`` from options to an exit code."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from hermes_repair.app.diagnose import Diagnosis, Explained, acknowledge, diagnose, explained
from hermes_repair.app.diagnose import explain as app_explain
from hermes_repair.app.environment import Environment
from hermes_repair.app.target_release import Forecast, require_release
from hermes_repair.cli.selecting import meant
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.findings import Remedy, Severity
from hermes_repair.model.session_label import SessionLabel
from hermes_repair.model.words import count
from hermes_repair.report import coverage_text, json_documents
from hermes_repair.report.doctor_text import closing, findings
from hermes_repair.report.lines import Line, as_asked, show
from hermes_repair.report.table import table


def doctor(
    target: Target,
    select: list[str] | None,
    ignore: list[str] | None,
    fail_on: str,
    deep: bool,
    release: str | None,
    timezone: str | None,
) -> int:
    """Run the doctor on every home that is meant."""
    selection = Selection(meant("--select", select), meant("--ignore", ignore))
    threshold = Severity[fail_on.upper()]
    if release is not None:
        require_release(release)
    look_options = LookOptions(timezone=timezone, release=release, deep=deep)

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        found = diagnose(home, environment, look_options, selection)
        bad = found.worst is not None and found.worst >= threshold
        if target.as_json:
            return _code(bad), document(found, every_profile=target.all_profiles)
        _print(found, target, narrowed=bool(selection.select or selection.ignore))
        return _code(bad), None

    return each_home(target, work)


def _code(bad: bool) -> ExitCode:
    return ExitCode.FINDINGS if bad else ExitCode.OK


def document(found: Diagnosis, *, every_profile: bool = False) -> dict[str, Any]:
    """Return the JSON document of one diagnosis; ``every_profile``: of one among all."""
    return {
        **json_documents.envelope(str(found.home.root), found.database),
        "findings": [json_documents.finding(finding, found.accepted) for finding in found.findings],
        "summary": json_documents.tally(list(found.findings), found.accepted),
        "notes": list(found.notes),
        "looked_at": coverage_text.document(found.looked_at, every_profile=every_profile),
        **({"outlook": asdict(found.forecast)} if found.forecast is not None else {}),
    }


def shown_labels(labels: dict[str, SessionLabel], target: Target) -> dict[str, SessionLabel]:
    """Return the labels as they may be shown: off a terminal without titles and details (R9)."""
    if target.show_titles:
        return labels
    return {session: replace(label, title=None) for session, label in labels.items()}


def _print(found: Diagnosis, target: Target, *, narrowed: bool) -> None:
    lines = heading(found.home, found.database)
    if found.live:
        lines.append(Line("Hermes is running, so everything was checked twice.", "dim"))
        lines += _waiting(found)
    labels = shown_labels(found.labels, target)
    option = target.option(found.home)
    lines += as_asked(
        findings(found.findings, labels, found.accepted, option, everything=target.verbose)
    )
    lines += [Line(f"Note: {note}", "dim", asked=True) for note in found.notes]
    if found.forecast is not None:
        lines += as_asked(_outlook(found.forecast, found.database["schema"]))
    lines += closing(
        found.findings,
        found.accepted,
        option,
        narrowed=narrowed,
        blocked=found.blocking is not None,
    )
    lines += coverage_text.lines(found.looked_at, every_profile=target.all_profiles)
    target.say(lines)


def _waiting(found: Diagnosis) -> list[Line]:
    """Say which of the findings can only be repaired when nobody has the database open (R10)."""
    live = {known.id for known in explained() if known.live}
    mended = (Remedy.SAFE, Remedy.UNSAFE, Remedy.MIGRATE)
    ids = sorted({f.id for f in found.findings if f.remedy in mended and f.id not in live})
    if not ids:
        return []
    return [Line(f"Needs Hermes stopped (`hermes gateway stop`): {', '.join(ids)}.")]


def _outlook(forecast: Forecast, schema: int | None) -> list[Line]:
    """Return what the release named with --for would do here."""
    expects = f" (it expects schema {forecast.number}; this is {schema})"
    if forecast.number is None:
        expects = ", a release that hermes-repair does not know; this is what other releases do"
    lines = [Line(""), Line(f"What Hermes {forecast.release} would do here{expects}:", "head")]
    for made in forecast.consequences:
        counted = ((made.sessions, "session"), (made.messages, "message"), (made.rows, "row"))
        stakes = ", ".join(count(number, noun) for number, noun in counted if number)
        ids = f" [{', '.join(made.findings)}]" if made.findings else ""
        already = "" if made.new else f" ({forecast.current} already does)"
        stakes = f"{stakes}: " if stakes else ""
        lines.append(
            Line(f"  {stakes}it {made.what}{ids}{already}.", "warning" if made.new else "")
        )
    if not forecast.consequences:
        lines.append(Line("  Nothing bad is known: it hides, erases and skips nothing.", "good"))
    return lines


def explain(finding: str | None, as_json: bool) -> int:
    """Print what one finding means, or list them all."""
    if finding is None:
        return _list_findings(as_json)
    check = app_explain(finding)
    if as_json:
        json_documents.write(
            {
                "format_version": json_documents.FORMAT_VERSION,
                **_check(check),
                "text": check.text,
            }
        )
        return int(ExitCode.OK)
    head = f"{check.id} {check.name} ({check.severity.word}, repair: {check.remedy.value})"
    show([Line(head, "head"), *(Line(line) for line in check.text.splitlines())])
    return int(ExitCode.OK)


def _list_findings(as_json: bool) -> int:
    if as_json:
        known = [_check(made) for made in explained()]
        json_documents.write({"format_version": json_documents.FORMAT_VERSION, "findings": known})
        return int(ExitCode.OK)
    columns = ("ID", "NAME", "SEVERITY", "REPAIR")
    rows = [(c.id, c.name, c.severity.word, c.remedy.value) for c in explained()]
    head, *lines = table(columns, rows)
    wide = max(map(len, (head, *lines)))
    what = [made.summary for made in explained()]
    show([Line(f"{head:<{wide}}  WHAT", "head")])
    show(Line(f"{line:<{wide}}  {words}") for line, words in zip(lines, what, strict=True))
    return int(ExitCode.OK)


def _check(made: Explained) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name,
        "severity": made.severity.word,
        "repair": made.remedy.value,
        "live": made.live,
    }


def ack(target: Target, fingerprint: str, reason: str) -> int:
    """Accept a finding that is there now."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        finding, found = acknowledge(home, environment, fingerprint, reason)
        if target.as_json:
            accepted = {**found.accepted, fingerprint: reason}
            return ExitCode.OK, {
                **json_documents.envelope(str(home.root), found.database),
                "acknowledged": json_documents.finding(finding, accepted),
            }
        told = Line(f"{finding.id} {finding.name} is accepted: {reason}")
        target.say([*heading(home, found.database), told])
        return ExitCode.OK, None

    return each_home(target, work)
