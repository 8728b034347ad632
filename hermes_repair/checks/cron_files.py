"""HK001: the file of cron's jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hermes_repair.checks.file_units import can_rewrite, rewritten_file
from hermes_repair.checks.registry import check, each
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.cron_jobs import (
    JOBS_LIMIT,
    file_of_jobs,
    is_readable,
    jobs_place,
    whole_jobs,
)
from hermes_repair.host.regular_files import read_if_there
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count


@check("HK001", "jobs-file-torn", Severity.ERROR, Remedy.UNSAFE, stage=Stage.FILES)
def jobs_file_torn(scene: Scene) -> Iterator[Finding]:
    """Cron cannot read `cron/jobs.json`, its list of jobs.

    What it means: no job runs any more, and none can be added: every release stops at such a file.

    How it happens: a full disk or a power cut while it was written, or an edit by hand
    (Hermes #9086).

    What repair does: nothing by itself. When you name the finding, it copies the file and writes it
    again with the jobs at its beginning that are whole.

    How safe it is: the jobs come back as they were, and nothing else can be read of the file. But
    those that are due run at once, which nobody may expect any more, and those behind the tear are
    not there: look at the list before you start the gateway (`hermes cron list`).
    """
    place = jobs_place(scene.home)
    data = read_if_there(place, JOBS_LIMIT)
    if data is None or is_readable(data):
        return
    jobs = whole_jobs(data)
    mends = bool(jobs) and can_rewrite(place)
    whole = f"; {count(len(jobs), 'job')} can still be read" if jobs else ""
    yield jobs_file_torn.finding(
        {"kind": "file", "path": place.name},
        f"cron/jobs.json cannot be read: no job runs and none can be added{whole}.",
        advice("To keep those: {}", command("repair", "--select", "HK001", "--unsafe"))
        if mends
        else "Keep a copy of that file, and take it away: cron then begins with an empty list.",
        remedy=Remedy.UNSAFE if mends else Remedy.MANUAL,
        data={"bytes": len(data), "kept": len(jobs)},
        identity=(len(data),),
        fix=each(partial(_keep_whole_jobs, scene, data, jobs)) if mends else None,
    )


def _keep_whole_jobs(
    scene: Scene, data: bytes, jobs: list[dict[str, Any]], finding: Finding
) -> Iterator[Unit]:
    unit = rewritten_file(scene, [finding], jobs_place(scene.home), data, file_of_jobs(jobs))
    summary = f"write jobs.json with the {count(len(jobs), 'job')} that can be read"
    yield replace(unit, summary=summary, safety=Safety.UNSAFE)
