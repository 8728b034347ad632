"""What the doctor says in text: findings in groups, the few that matter first, the next command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hermes_repair.model.commands_to_type import for_home
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import SessionLabel, count, shown_id
from hermes_repair.report.json_documents import tally
from hermes_repair.report.lines import Line

SHOWN_PER_GROUP = 5
_STYLE = {
    Severity.INFO: "dim",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.FATAL: "error",
}


def findings(
    found: Sequence[Finding],
    labels: Mapping[str, SessionLabel],
    acknowledged: Mapping[str, str],
    home_option: str,
    *,
    everything: bool,
) -> Iterator[Line]:
    """Yield the report, worst first, one heading per id; ``everything`` lists all of a group.

    ``home_option`` names the home in the commands of the hints.
    """
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in found:
        groups.setdefault((-finding.severity, finding.id), []).append(finding)
    for (_, _), group in sorted(groups.items(), key=lambda item: item[0]):
        yield Line("")
        yield from _group(group, labels, acknowledged, home_option, everything)


def _group(
    group: list[Finding],
    labels: Mapping[str, SessionLabel],
    acknowledged: Mapping[str, str],
    home_option: str,
    everything: bool,
) -> Iterator[Line]:
    first = group[0]
    stakes = []
    if any(finding.sessions for finding in group):
        stakes.append(count(sum(finding.sessions for finding in group), "session"))
    if any(finding.messages for finding in group):
        stakes.append(count(sum(finding.messages for finding in group), "message"))
    at_stake = f": {', '.join(stakes)}" if stakes else ""
    yield Line(
        f"{first.severity.word.upper()} {first.id} {first.name}{at_stake}", _STYLE[first.severity]
    )
    shown = group if everything else group[:SHOWN_PER_GROUP]
    for finding in shown:
        yield Line(f"  {_place(finding, labels)}{finding.message}")
        if finding.fingerprint in acknowledged:
            yield Line(f"    accepted: {acknowledged[finding.fingerprint]}", "dim")
        elif everything:
            yield Line(f"    fingerprint {finding.fingerprint}", "dim")
    if len(group) > len(shown):
        yield Line(f"  and {len(group) - len(shown)} more; -v lists all", "dim")
    for hint in dict.fromkeys(finding.hint for finding in shown if finding.hint):
        yield Line(f"  -> {for_home(hint, home_option)}", "good")


def _place(finding: Finding, labels: Mapping[str, SessionLabel]) -> str:
    session = finding.session_id
    if session is None:
        return ""
    label = labels.get(session)
    shown = shown_id(session)
    return f"{shown} ({label.words()}): " if label is not None else f"{shown}: "


def closing(
    found: Sequence[Finding],
    acknowledged: Mapping[str, str],
    home_option: str,
    *,
    narrowed: bool = False,
    blocked: bool = False,
) -> Iterator[Line]:
    """Yield the last lines: what it comes to, and what to type next.

    ``narrowed``: only some findings were asked for, so nothing is said of the others. ``blocked``:
    one of all keeps every writing command out, so none is named.
    """
    numbers = tally(list(found), acknowledged)
    parts = [
        count(int(numbers[word]), noun)
        for word, noun in (
            ("fatal", "fatal problem"),
            ("error", "error"),
            ("warning", "warning"),
            ("info", "note"),
        )
        if numbers[word]
    ]
    yield Line("")
    if not parts:
        told = "Nothing of that kind is wrong here" if narrowed else "Nothing is wrong here"
        accepted = numbers["acknowledged"]
        besides = f" except what you accepted ({count(accepted, 'finding')})" if accepted else ""
        yield Line(f"{told}{besides}.", "good")
        return
    accepted = f" ({numbers['acknowledged']} accepted)" if numbers["acknowledged"] else ""
    open_ones = [f for f in found if f.fingerprint not in acknowledged]
    harmless = (
        "" if any(f.severity > Severity.INFO for f in open_ones) else ", nothing that needs fixing"
    )
    yield Line(f"Found {', '.join(parts)}{accepted}{harmless}.", "head")
    remedies = set() if blocked else {f.remedy for f in open_ones}
    due = {f.remedy for f in open_ones if f.severity > Severity.INFO} & remedies
    if Remedy.MIGRATE in due:
        yield Line(for_home("Next: hermes-repair migrate --dry-run", home_option), "head")
    if Remedy.SAFE in remedies:
        yield Line(for_home("Next: hermes-repair repair --dry-run", home_option), "head")
    if any(f.id == "DB008" and f.remedy is Remedy.UNSAFE for f in open_ones):
        yield Line(for_home("Next: hermes-repair backfill --all --dry-run", home_option), "head")
    elif any(f.id.startswith("TR") and f.remedy is Remedy.UNSAFE for f in open_ones):
        told = (
            "Messages that only files have may have been removed on purpose; `hermes-repair"
            " backfill --all --dry-run` shows everything that can be brought back."
        )
        yield Line(for_home(told, home_option), "dim")
    yield Line("`hermes-repair explain ID` explains a finding.", "dim")
