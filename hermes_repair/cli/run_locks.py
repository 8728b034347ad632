"""``locks`` from options to an exit code."""

from __future__ import annotations

from typing import Any

from hermes_repair.app import clean_locks as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.words import count, shown_id
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line
from hermes_repair.report.locks_text import lock_entry


def clean(target: Target, *, dry_run: bool, grace: float, max_age: float) -> int:
    """Free what is provably over in every home that is meant; silent where there is nothing."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        done = app.clean(home, environment, grace=grace, max_age=max_age, dry_run=dry_run)
        code = ExitCode.REFUSED if done.refused else ExitCode.OK
        if target.as_json:
            return code, _document(home, done, dry_run)
        verb = "would free" if dry_run else "freed"
        lines = [
            Line(
                f"{verb} the compression lock of {shown_id(lock.session)}: {lock.verdict.reason}",
                asked=dry_run,
            )
            for lock in done.freed
        ]
        lines += [
            Line(
                f"not freed: the compression lock of {shown_id(lock.session)}. {error.message}",
                "error",
                asked=True,
            )
            for lock, error in done.refused
        ]
        if target.verbose:
            lines += _explained(home, done)
        target.say(lines)
        return code, None

    return each_home(target, work)


def _explained(home: Home, done: app.Cleaned) -> list[Line]:
    """Say under -v what was left, and why."""
    if done.note is not None:
        return [Line(f"{home.root}: nothing was done: {done.note.rstrip('.')}.")]
    over = [*done.freed, *(lock for lock, _ in done.refused), *done.kept]
    lines = [
        Line(f"stays: the compression lock of {shown_id(lock.session)}. {lock.verdict.reason}")
        for lock in done.seen
        if lock not in over
    ]
    lines += [
        Line(
            f"stays: the compression lock of {shown_id(lock.session)}. It was renewed or released"
            " in the meantime."
        )
        for lock in done.kept
    ]
    seen = count(len(done.seen), "compression lock")
    return [*lines, Line(f"{home.root}: {seen} seen, {len(done.freed)} freed.")]


def _document(home: Home, done: app.Cleaned, dry_run: bool) -> dict[str, Any]:
    return {
        **json_documents.envelope(str(home.root), place_of(home)),
        "dry_run": dry_run,
        "freed": [lock.session for lock in done.freed],
        "kept": [lock.session for lock in done.kept],
        "refused": [
            {"session_id": lock.session, "message": error.message, "hint": str(error.hint)}
            for lock, error in done.refused
        ],
        "locks": [lock_entry(lock) for lock in done.seen],
        "note": done.note,
        "receipt": str(done.receipt) if done.receipt is not None else None,
    }
