"""``cron/jobs.json``: the jobs that Hermes' cron runs, as its releases read them.

An object with ``jobs``, a list of objects, each with an ``id``; 0.14 and later take a bare list as
well. Every release writes it by a rename. One that is no JSON stops cron altogether: no release
reads past it (0.13.0 to 0.19.0 raise "Cron database corrupted and unrepairable").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hermes_repair.home.layout import Home

JOBS_LIMIT = 16 << 20  # bytes; a real one has some kilobytes


def jobs_place(home: Home) -> Path:
    """Return where the jobs of a home lie."""
    return home.root / "cron" / "jobs.json"


def is_readable(data: bytes) -> bool:
    """Whether cron can read the file, as 0.19.0 does: with a byte-order mark, and odd texts too."""
    try:
        parsed = json.loads(data.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict | list)


def whole_jobs(data: bytes) -> list[dict[str, Any]]:
    """Return the jobs at the beginning of a torn file that are whole."""
    content = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    decoder = json.JSONDecoder(strict=False)
    start = content.find("[") if content[:200].lstrip().startswith(("{", "[")) else -1
    jobs: list[dict[str, Any]] = []
    at = start + 1
    while 0 < at < len(content):
        while content[at : at + 1] in (" ", "\n", "\r", "\t", ","):
            at += 1
        try:
            job, at = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            break
        if isinstance(job, dict) and isinstance(job.get("id"), str):
            jobs.append(job)
    return jobs


def file_of_jobs(jobs: list[dict[str, Any]]) -> bytes:
    """Return the bytes of a file with these jobs, in Hermes' own layout."""
    return json.dumps({"jobs": jobs}, indent=2).encode("ascii")


CLAIMS = ("fire_claim", "run_claim")
"""What says that a job is being run: by whom, and since when (0.17.0 and later)."""
_DAY = 86400.0


def claims_ahead(data: bytes, now: float) -> list[str]:
    """Return the ids of jobs whose claim is of more than a day after ``now`` (epoch).

    A run that is under way while the clock is set back leaves such a claim for hours at most.
    """
    return [str(job["id"]) for job, claim in _claims(_parsed(data)) if _is_ahead(job[claim], now)]


def without_claims_ahead(data: bytes, now: float) -> bytes:
    """Return the file less those claims, all else of it kept, in Hermes' own layout."""
    document = _parsed(data)
    for job, claim in _claims(document):
        if _is_ahead(job[claim], now):
            job[claim] = None
    return json.dumps(document, indent=2).encode("ascii")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        return None


def _claims(document: Any) -> Iterator[tuple[dict[str, Any], str]]:
    jobs = document.get("jobs") if isinstance(document, dict) else document
    for job in jobs if isinstance(jobs, list) else ():
        if isinstance(job, dict) and isinstance(job.get("id"), str):
            yield from ((job, claim) for claim in CLAIMS if isinstance(job.get(claim), dict))


def _is_ahead(claim: dict[str, Any], now: float) -> bool:
    try:
        at = datetime.fromisoformat(claim["at"])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() > now + _DAY
    except (KeyError, TypeError, ValueError, OverflowError):
        return False  # every release takes over what it cannot read
