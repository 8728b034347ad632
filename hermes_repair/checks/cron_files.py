"""HK001 and HK007: the file of cron's jobs, and claims of jobs that never end."""

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
    claims_ahead,
    file_of_jobs,
    is_readable,
    jobs_place,
    whole_jobs,
    without_claims_ahead,
)
from hermes_repair.home.installs import serving
from hermes_repair.host.regular_files import read_if_there
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb


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


_MENDED_SINCE = 22
"""The schema of 0.19.0, the first release that takes such a claim over by itself."""


@check("HK007", "cron-claim-ahead", Severity.WARNING, Remedy.UNSAFE, stage=Stage.FILES)
def cron_claim_ahead(scene: Scene) -> Iterator[Finding]:
    """A job of cron is noted as being run by a claim that is of the future.

    What it means: Hermes 0.17.0 to 0.18.2 pass the job over as "already being fired" until that
    time has come, and then some minutes more.

    How it happens: the clock was ahead when the job was claimed, or its time zone was another
    (Hermes #60703, #107559).

    What repair does: nothing by itself. When you name the finding, it copies `cron/jobs.json` and
    takes those claims out of it; all else of the file stays.

    How safe it is: what Hermes 0.19.0 does by itself, so that where it is installed nothing is
    said. But a job that is due runs at once then, and whether its last run was finished is not
    written anywhere. Claims of less than a day ahead are left alone: they end by themselves.
    """
    known = serving(scene.installed)
    if known is not None and (known.number or 0) >= _MENDED_SINCE:
        return
    place = jobs_place(scene.home)
    data = read_if_there(place, JOBS_LIMIT)
    jobs = claims_ahead(data, scene.now) if data is not None else []
    if data is None or not jobs:
        return
    mends = can_rewrite(place)
    number = len(set(jobs))
    yield cron_claim_ahead.finding(
        {"kind": "file", "path": place.name},
        f"{count(number, 'job')} of cron {verb(number, 'is', 'are')} claimed until a time to come:"
        " Hermes up to 0.18.2 passes over what is claimed.",
        advice("To free them: {}", command("repair", "--select", "HK007", "--unsafe"))
        if mends
        else "Update Hermes: 0.19.0 takes such a claim over.",
        remedy=Remedy.UNSAFE if mends else Remedy.MANUAL,
        data={"jobs": sorted(set(jobs))},
        identity=tuple(sorted(set(jobs))),
        fix=each(partial(_free_jobs, scene, data, number)) if mends else None,
    )


def _free_jobs(scene: Scene, data: bytes, number: int, finding: Finding) -> Iterator[Unit]:
    after = without_claims_ahead(data, scene.now)
    unit = rewritten_file(scene, [finding], jobs_place(scene.home), data, after)
    summary = f"take the claims of {count(number, 'job')} out of jobs.json"
    yield replace(unit, summary=summary, safety=Safety.UNSAFE)
