"""``locks`` from options to an exit code."""

from __future__ import annotations

from typing import Any

from hermes_repair.app import locks as app
from hermes_repair.app.world import World
from hermes_repair.checks.judged import JudgedLock, text
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.leases import GRACE, MAX_AGE
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import documents
from hermes_repair.report.lines import Line, show


def list_all(target: Target) -> int:
    """Show every lock of every home that is meant."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        seen = app.see(home, world, grace=GRACE, max_age=MAX_AGE)
        if target.as_json:
            return ExitCode.OK, {
                **documents.envelope(str(home.root), {"path": str(home.root / "state.db")}),
                "locks": [_entry(lock) for lock in seen.locks],
                "note": seen.why_not,
            }
        lines = [Line(f"Hermes home {home.root}, profile {home.profile}", "head")]
        if seen.why_not:
            lines.append(Line(f"Not looked at: {seen.why_not}."))
        elif not seen.locks:
            lines.append(Line("No session is locked."))
        for lock in seen.locks:
            may = "may be cleaned" if lock.verdict.cleanable else "stays"
            lines.append(
                Line(
                    f"{lock.session}  {lock.verdict.kind.value}  {may}  {text(lock.row['holder'])}"
                    f"  {lock.verdict.reason}"
                )
            )
        show(lines)
        return ExitCode.OK, None

    return each_home(target, work)


def _entry(lock: JudgedLock) -> dict[str, Any]:
    return {
        "session_id": lock.session,
        "holder": text(lock.row["holder"]),
        "acquired_at": lock.row["acquired_at"],
        "expires_at": lock.row["expires_at"],
        "verdict": lock.verdict.kind.value,
        "reason": lock.verdict.reason,
        "cleanable": lock.verdict.cleanable,
    }


def clean(target: Target, *, dry_run: bool, grace: float, max_age: float) -> int:
    """Free what is provably over in every home that is meant; silent where there is nothing."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        done = app.clean(home, world, grace=grace, max_age=max_age, dry_run=dry_run)
        code = ExitCode.REFUSED if done.refused else ExitCode.OK
        if target.as_json:
            return code, {
                **documents.envelope(str(home.root), {"path": str(home.root / "state.db")}),
                "dry_run": dry_run,
                "freed": [unit.subject for unit in done.freed],
                "refused": [
                    {"session_id": unit.subject, "message": error.message}
                    for unit, error in done.refused
                ],
                "note": done.note,
                "receipt": str(done.receipt) if done.receipt is not None else None,
            }
        verb = "would " if dry_run else ""
        lines = [Line(f"{verb}{unit.summary}") for unit in done.freed]
        lines += [Line(f"not done: {u.summary} {e.message}") for u, e in done.refused]
        if target.verbose:
            lines.append(Line(done.note or f"{len(done.freed)} freed in {home.root}."))
        show(lines)
        return code, None

    return each_home(target, work)
