"""The JSON documents (format_version 1), as ``schema/json/`` describes them.

Fields are only ever added.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hermes_repair import __version__
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.plans import Outline
from hermes_repair.model.values import Value, readable
from hermes_repair.report.lines import put

FORMAT_VERSION = 1


def envelope(home: str, database: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that every document has."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "home": home,
        "database": dict(database),
    }


def finding(one: Finding, acknowledged: Mapping[str, str]) -> dict[str, Any]:
    """Return one finding as ``schema/json/`` describes it."""
    return {
        "id": one.id,
        "name": one.name,
        "severity": one.severity.word,
        "subject": dict(one.subject),
        "message": one.message,
        "hint": str(one.hint),
        "data": dict(one.data),
        "fingerprint": one.fingerprint,
        "repair": one.remedy.value,
        "acknowledged": one.fingerprint in acknowledged,
    }


def tally(findings: Sequence[Finding], acknowledged: Mapping[str, str]) -> dict[str, int]:
    """Return the summary: counts by severity and what is at stake, acknowledged ones apart."""
    open_ones = [one for one in findings if one.fingerprint not in acknowledged]
    return {
        **{
            severity.word: sum(1 for one in open_ones if one.severity is severity)
            for severity in reversed(Severity)
        },
        "acknowledged": len(findings) - len(open_ones),
        "sessions": sum(one.sessions for one in open_ones),
        "messages": sum(one.messages for one in open_ones),
    }


def error(caught: HermesRepairError, home: str | None) -> dict[str, Any]:
    """Return an error as a document: errors are JSON too."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "home": home,
        "error": {**reason(caught), "exit_code": int(caught.exit_code)},
    }


def reason(caught: HermesRepairError) -> dict[str, str]:
    """Return why one part of the work was not done."""
    return {"message": caught.message, "hint": str(caught.hint)}


def write_alone(**fields: Any) -> None:
    """Print a document that is about no home."""
    write({"format_version": FORMAT_VERSION, **fields})


def write(document: Mapping[str, Any]) -> None:
    """Print one document on stdout; lone surrogates of file names stay valid JSON escapes."""
    put(json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n")


def summary(outlines: Sequence[Outline]) -> list[dict[str, object]]:
    """Return one plain entry per unit, without rows, for ``--dry-run --json``."""
    return [
        {
            "kind": outline.unit.kind,
            "table": list(outline.tables),
            "session": outline.unit.subject,
            "rows": outline.actions,
            "messages": outline.messages,
            "safety": outline.unit.safety.value,
            "live": outline.unit.live,
            "summary": outline.unit.summary,
            "findings": list(outline.unit.finding_ids),
        }
        for outline in outlines
    ]


def plain_time(value: Value) -> float | str | None:
    """Return a time for JSON, which knows no infinity; what is no number stays readable."""
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    return readable(value)
