"""What ``doctor``, ``explain`` and ``ack`` say, in words and as JSON.

What it comes to; findings in groups, the most valuable first; the next command; and what was
looked at, so that "nothing is wrong" says of what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hermes_repair.app.coverage import PROFILES, LeftOut, LookedAt
from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.app.explain import Explained, explained
from hermes_repair.app.target_release import Forecast
from hermes_repair.app.verdict import verdict
from hermes_repair.host import Openers
from hermes_repair.model.commands_to_type import Command, advice, command, commands_in
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import SessionLabel, count, minute, shown_id
from hermes_repair.report import json_documents
from hermes_repair.report.ahead_text import UNTRIED, ahead_lines
from hermes_repair.report.audience import Audience, notes
from hermes_repair.report.lines import Line, as_asked, table
from hermes_repair.report.verdict_text import ALL_BACK, verdict_document, verdict_lines, way_out

SHOWN_PER_GROUP = 5
_STYLE = {
    Severity.INFO: "dim",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.FATAL: "error",
}
_FILE_READ = {"whole": "the whole file", "part": "a part of the file", "not": ""}
_SHOW_ALL = advice(
    "Messages that only files have may have been removed on purpose; `{}` shows everything that can"
    " be brought back.",
    ALL_BACK,
)


def document(diagnosis: Diagnosis, *, every_profile: bool) -> dict[str, Any]:
    """Return one diagnosis as JSON; ``every_profile``: it is one among those of all profiles."""
    findings, accepted = diagnosis.findings, diagnosis.accepted
    forecast = diagnosis.forecast
    left_out = [asdict(one) for one in _left_out(diagnosis.looked_at, every_profile)]
    return {
        "findings": [json_documents.finding(finding, accepted) for finding in findings],
        "summary": json_documents.tally(findings, accepted),
        "verdict": verdict_document(verdict(diagnosis)),
        "notes": list(diagnosis.notes),
        "looked_at": {**asdict(diagnosis.looked_at), "left_out": left_out},
        **({"outlook": asdict(forecast)} if forecast is not None else {}),
        **({"ahead": asdict(diagnosis.ahead)} if diagnosis.ahead is not None else {}),
    }


def lines(diagnosis: Diagnosis, audience: Audience, *, narrowed: bool) -> Iterator[Line]:
    """Yield one diagnosis; ``narrowed``: only some findings were asked for."""
    nothing = _nothing(diagnosis, narrowed=narrowed)
    users = diagnosis.openers.processes if diagnosis.live else ()
    first = users[0].how_to_stop() if users else ""
    yield from verdict_lines(
        verdict(diagnosis), audience, deep=diagnosis.deep, nothing=nothing, first=first
    )
    if diagnosis.live:
        yield Line("")
        yield from _waiting(diagnosis.findings, diagnosis.openers)
    yield from as_asked(_findings(diagnosis, audience))
    yield from notes(diagnosis.notes, asked=True)
    if diagnosis.forecast is not None:
        yield from as_asked(forecast_lines(diagnosis.forecast, diagnosis.database["schema"]))
    if diagnosis.ahead is not None:
        yield from as_asked(ahead_lines(diagnosis.ahead, audience))
    yield from _closing(diagnosis, audience)
    yield from _coverage(diagnosis.looked_at, every_profile=audience.every_profile)


def _waiting(findings: Sequence[Finding], openers: Openers) -> Iterator[Line]:
    """Say who is there, and which findings can only be repaired when nobody is (R10)."""
    known = bool(openers.processes)
    who = openers.who() if known else "It is not known whether the database is in use"
    yield Line(f"{who}, so everything was checked twice.", "dim")
    live = {check.id for check in explained() if check.live}
    mended = (Remedy.SAFE, Remedy.UNSAFE, Remedy.MIGRATE)
    ids = sorted({f.id for f in findings if f.remedy in mended and f.id not in live})
    if ids:
        how = openers.processes[0].how_to_stop() if known else "stop Hermes: `hermes gateway stop`"
        yield Line(f"Repaired only when nobody has it open ({how}): {', '.join(ids)}.")


def _findings(diagnosis: Diagnosis, audience: Audience) -> Iterator[Line]:
    """Yield the findings, one heading per id; with -v all of a group.

    The worst stand first, and of those equally bad what has most messages.
    """
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in diagnosis.findings:
        groups.setdefault((-finding.severity, finding.id), []).append(finding)
    labels = audience.labels(diagnosis.labels)
    for _, group in sorted(groups.items(), key=_worth):
        yield Line("")
        yield _group_heading(group)
        shown = group if audience.verbose else group[:SHOWN_PER_GROUP]
        for finding in shown:
            yield Line(f"  {_place(finding, labels)}{finding.message}")
            if finding.fingerprint in diagnosis.accepted:
                yield Line(f"    accepted: {diagnosis.accepted[finding.fingerprint]}", "dim")
            elif audience.verbose:
                yield Line(f"    fingerprint {finding.fingerprint}", "dim")
        if len(group) > len(shown):
            yield Line(f"  and {len(group) - len(shown)} more; -v lists all", "dim")
        yield from _hints(shown, audience)


def _hints(findings: Sequence[Finding], audience: Audience) -> Iterator[Line]:
    """Yield what to type, the same words before several commands once."""
    said = ""
    for hint in dict.fromkeys(finding.hint for finding in findings if finding.hint):
        text, named = audience.typed(hint), commands_in(hint)
        typed = audience.typed(named[-1]) if named else ""
        words = text.removesuffix(typed)
        if typed and words and words != text and words == said and audience.terminal:
            yield Line(f"     {typed}", "good")
        else:
            yield Line(f"  -> {text}", "good")
        said = words


def _worth(group: tuple[tuple[int, str], list[Finding]]) -> tuple[int, int, str]:
    (severity, id), findings = group
    return severity, -sum(finding.messages for finding in findings), id


def _group_heading(group: Sequence[Finding]) -> Line:
    first = group[0]
    stakes = []
    if any(finding.sessions for finding in group):
        stakes.append(count(sum(finding.sessions for finding in group), "session"))
    if any(finding.messages for finding in group):
        stakes.append(count(sum(finding.messages for finding in group), "message"))
    at_stake = f": {', '.join(stakes)}" if stakes else ""
    text = f"{first.severity.word.upper()} {first.id} {first.name}{at_stake}"
    return Line(text, _STYLE[first.severity])


def _place(finding: Finding, labels: Mapping[str, SessionLabel]) -> str:
    session = finding.session_id
    if session is None:
        return ""
    label = labels.get(session)
    shown = shown_id(session)
    return f"{shown} ({label.words()}): " if label is not None else f"{shown}: "


def forecast_lines(forecast: Forecast, schema: int | None) -> Iterator[Line]:
    """Yield what the release named with --for would do here."""
    expects = f" (it expects schema {forecast.number}; this is {schema})"
    if forecast.number is None:
        expects = ", a release that hermes-repair does not know; this is what other releases do"
    yield Line("")
    expects += "" if forecast.tried else UNTRIED
    yield Line(f"What Hermes {forecast.release} would do here{expects}:", "head")
    for consequence in forecast.consequences:
        counted = (
            (consequence.sessions, "session"),
            (consequence.messages, "message"),
            (consequence.rows, "row"),
        )
        stakes = ", ".join(count(number, noun) for number, noun in counted if number)
        stakes = f"{stakes}: " if stakes else ""
        ids = f" [{', '.join(consequence.findings)}]" if consequence.findings else ""
        already = "" if consequence.new else f" ({forecast.current} already does)"
        style = "warning" if consequence.new else ""
        yield Line(f"  {stakes}it {consequence.what}{ids}{already}.", style)
    if not forecast.consequences:
        yield Line("  Nothing bad is known: it hides, clears and skips nothing.", "good")


def _nothing(diagnosis: Diagnosis, *, narrowed: bool) -> str:
    """Return what is said where no problem is open.

    Where only some findings were asked for nothing is said of the others.
    """
    tally = json_documents.tally(diagnosis.findings, diagnosis.accepted)
    if tally["info"]:
        return f"Nothing needs fixing; {count(tally['info'], 'note')} below."
    nothing = "Nothing of that kind is wrong here" if narrowed else "Nothing is wrong here"
    accepted = tally["acknowledged"]
    besides = f" except what you accepted ({count(accepted, 'finding')})" if accepted else ""
    return f"{nothing}{besides}."


def _closing(diagnosis: Diagnosis, audience: Audience) -> Iterator[Line]:
    """Yield how much was found, and what to type next.

    Where a finding keeps every writing command out, none is named.
    """
    tally = json_documents.tally(diagnosis.findings, diagnosis.accepted)
    nouns = {
        "fatal": "fatal problem",
        "error": "error",
        "warning": "warning",
        "info": "note",
    }
    parts = [count(tally[word], noun) for word, noun in nouns.items() if tally[word]]
    accepted = tally["acknowledged"]
    yield Line("")
    if not parts:
        return
    open_ones = [f for f in diagnosis.findings if f.fingerprint not in diagnosis.accepted]
    harmless = all(f.severity is Severity.INFO for f in open_ones)
    besides = f" ({accepted} accepted)" if accepted else ""
    besides += ", nothing that needs fixing" if harmless else ""
    yield Line(f"Found {', '.join(parts)}{besides}.", "head")
    if diagnosis.blocking is None:
        behind = (f for f in open_ones if f.remedy is Remedy.MIGRATE and f.severity > Severity.INFO)
        if migration := next((f.hint for f in behind if isinstance(f.hint, Command)), None):
            yield audience.next(migration)
        if any(f.remedy is Remedy.SAFE for f in open_ones):
            deep = ("--deep",) if diagnosis.deep else ()
            yield audience.next(command("repair", *deep, "--dry-run"))
    fatal = next((f for f in diagnosis.findings if f.severity is Severity.FATAL), None)
    if fatal is not None:
        if way := way_out(fatal):  # nothing else works until that is settled
            yield audience.next(way)
        yield Line("`hermes-repair explain ID` explains a finding.", "dim")
        return
    undecided = [f.id for f in open_ones if f.remedy is Remedy.UNSAFE]
    if "DB008" in undecided:
        yield audience.next(ALL_BACK)
    elif any(id.startswith("TR") for id in undecided):
        yield Line(audience.typed(_SHOW_ALL), "dim")
    yield Line("`hermes-repair explain ID` explains a finding.", "dim")


def _coverage(looked_at: LookedAt, *, every_profile: bool) -> Iterator[Line]:
    """Yield what was looked at and what not, a line each."""
    counted = (
        (looked_at.sessions, "session"),
        (looked_at.messages, "message"),
        (looked_at.transcripts, "transcript"),
        (looked_at.session_logs, "session log"),
    )
    parts = [count(len(looked_at.checks), "check"), _FILE_READ[looked_at.file]]
    parts += [count(number, noun) for number, noun in counted if number]
    text = ", ".join(part for part in parts if part)
    if looked_at.hermes is not None:
        release = looked_at.hermes.release or "of an unknown release"
        asks = f" (schema {looked_at.hermes.schema})" if looked_at.hermes.schema is not None else ""
        text += f"; the installed Hermes is {release}{asks}"
    yield Line(f"Checked: {text}.", "dim")
    if looked_at.recalled_since is not None:
        since = minute(looked_at.recalled_since)
        told = f"Messages and transcripts are as the look of {since} found them"
        yield Line(f"{told}: nobody wrote to them since (--fresh reads them again).", "dim")
    left_out = "; ".join(one.why for one in _left_out(looked_at, every_profile))
    if left_out:
        yield Line(f"Not checked: {left_out}.", "dim")


def _left_out(looked_at: LookedAt, every_profile: bool) -> Iterator[LeftOut]:
    """Yield what this run leaves out: the other profiles are none of it where it visits all."""
    for one in looked_at.left_out:
        if not (every_profile and one.what == PROFILES):
            yield one


def explained_lines(check: Explained, *, terminal: bool) -> list[Line]:
    """Return what one finding means; a ``terminal`` breaks each paragraph where it has to."""
    head = f"{check.id} {check.name} ({check.severity.word}, repair: {check.remedy.value})"
    text = check.text.splitlines()
    if terminal:
        paragraphs = check.text.split("\n\n")
        text = "\n\n".join(" ".join(words.split()) for words in paragraphs).split("\n")
    return [Line(head, "head"), *map(Line, text)]


def list_lines(checks: Sequence[Explained]) -> Iterator[Line]:
    """Yield a table of all findings."""
    columns = ("ID", "NAME", "SEVERITY", "REPAIR")
    rows = [(c.id, c.name, c.severity.word, c.remedy.value) for c in checks]
    head, *aligned = table(columns, rows)
    wide = max(map(len, (head, *aligned)))
    yield Line(f"{head:<{wide}}  WHAT", "head")
    for text, check in zip(aligned, checks, strict=True):
        yield Line(f"{text:<{wide}}  {check.summary}")


def explained_entry(check: Explained) -> dict[str, Any]:
    """Return one kind of finding as JSON, less its text."""
    return {
        "id": check.id,
        "name": check.name,
        "severity": check.severity.word,
        "repair": check.remedy.value,
        "live": check.live,
    }


def accepted_document(finding: Finding, diagnosis: Diagnosis, reason: str) -> dict[str, Any]:
    """Return what ``ack`` did, as JSON."""
    accepted = {**diagnosis.accepted, finding.fingerprint: reason}
    return {"acknowledged": json_documents.finding(finding, accepted)}


def accepted_lines(finding: Finding, reason: str) -> list[Line]:
    """Return what ``ack`` did."""
    return [Line(f"{finding.id} {finding.name} is accepted: {reason}")]


def taken_back_document(fingerprint: str, finding: Finding | None) -> dict[str, Any]:
    """Return what ``ack --remove`` did, as JSON; ``finding`` is None where it is not there now."""
    found = json_documents.finding(finding, {}) if finding is not None else None
    return {"acknowledged": found, "taken_back": fingerprint}


def taken_back_lines(fingerprint: str, finding: Finding | None) -> list[Line]:
    """Return what ``ack --remove`` did."""
    what = f"{finding.id} {finding.name} counts" if finding is not None else f"{fingerprint} counts"
    where = "again" if finding is not None else "again; it is not found now"
    return [Line(f"{what} {where}.")]
