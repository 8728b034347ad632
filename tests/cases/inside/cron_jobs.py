"""Cron of a release: its jobs, added and read as ``hermes cron`` does."""

import os
import pathlib

from cron import jobs

FILE = pathlib.Path(os.environ["HERMES_HOME"], "cron", "jobs.json")


def add(*prompts):
    """Add a daily job for each prompt."""
    for prompt in prompts:
        jobs.create_job(prompt, "every 24h")


def prompts():
    """Return what the jobs say, None where cron cannot read them."""
    try:
        return [job["prompt"] for job in jobs.load_jobs()]
    except RuntimeError:
        return None
