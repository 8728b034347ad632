"""``cron/jobs.json``: the jobs that Hermes' cron runs, as its releases read them.

An object with ``jobs``, a list of objects, each with an ``id``; 0.14 and later take a bare list as
well. Every release writes it by a rename. One that is no JSON stops cron altogether: no release
reads past it (0.13.0 to 0.19.0 raise "Cron database corrupted and unrepairable").
"""

from __future__ import annotations

import json
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
