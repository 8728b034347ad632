"""What changed since the last look: what was found then is kept in a file that the user names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.model.errors import Refused
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.words import shown_id
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line

MARK = '{"hermes-repair": "what was found last"'
"""What such a file begins with: only such a file is replaced."""

Remembered: TypeAlias = dict[str, dict[str, str]]
"""By home: each finding by its fingerprint, in words."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is found in one home now and was not before, and what is over."""

    profile: str
    new: Sequence[Finding]
    over: Sequence[str]
    audience: Audience


def read(path: Path) -> Remembered:
    """Return what was found last, nothing where there is no file.

    Raises :class:`Refused` where the file cannot be read.
    """
    try:
        homes = json.loads(path.read_text(encoding="utf-8"))["homes"]
        return {
            str(home): {str(key): str(words) for key, words in found.items()}
            for home, found in homes.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"What was found last cannot be read from {path}.",
            "Remove that file; the next look then tells everything again.",
        ) from error


def written(homes: Mapping[str, Mapping[str, str]]) -> str:
    """Return the text of such a file."""
    return f'{MARK}, "homes": {json.dumps(homes, indent=1, sort_keys=True)}}}\n'


def compare(
    before: Remembered, looks: Sequence[tuple[Diagnosis, Audience]], threshold: Severity
) -> tuple[Remembered, list[Change]]:
    """Return what to remember now, and what changed: findings of ``threshold`` or worse. Pure.

    What was accepted is not found; a home that could not be looked at stays as it was.
    """
    now, changes = dict(before), []
    for diagnosis, audience in looks:
        root = str(diagnosis.home.root)
        then = before.get(root, {})
        found = {
            finding.fingerprint: finding
            for finding in diagnosis.findings
            if finding.severity >= threshold and finding.fingerprint not in diagnosis.accepted
        }
        now[root] = {key: _words(finding) for key, finding in found.items()}
        new = [finding for key, finding in found.items() if key not in then]
        over = [words for key, words in then.items() if key not in found]
        if new or over:
            changes.append(Change(diagnosis.home.profile, new, over, audience))
    return now, changes


def lines(changes: Sequence[Change]) -> Iterator[Line]:
    """Yield what changed; nothing where nothing did, so that cron sends no mail."""
    for change in changes:
        for finding in change.new:
            style = "error" if finding.severity > Severity.WARNING else "warning"
            yield Line(f"{change.profile}: new: {_words(finding)}", style, asked=True)
            if finding.hint:
                yield Line(f"  -> {change.audience.typed(finding.hint)}", "good", asked=True)
        for words in change.over:
            yield Line(f"{change.profile}: over: {words}", "good", asked=True)


def _words(finding: Finding) -> str:
    place = f"{shown_id(finding.session_id)}: " if finding.session_id is not None else ""
    return f"{finding.severity.word} {finding.id} {finding.name}: {place}{finding.message}"
