"""The schema of the database against what it should be (SC...)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.report.escape import count
from hermes_repair.schema.catalogue import DEFAULT_TARGET, NEWEST_TARGET
from hermes_repair.schema.recognise import Family

DATABASE = {"kind": "database"}


@check("SC001", "schema-behind", Severity.WARNING, Remedy.MIGRATE)
def schema_behind(scene: Scene) -> Iterator[Finding]:
    """The database is older than the installed Hermes expects.

    What it means: Hermes changes the database itself on its next start, statement by statement,
    without a transaction and without a backup.

    How it happens: Hermes was updated and has not opened this database since.

    What repair does: `hermes-repair migrate` makes the same journey in one transaction, after a
    verified backup.

    How safe it is: the result has the same structure as a database that Hermes made; the backup
    can be put back with `hermes-repair undo` as long as nothing was written since. Where no
    installed Hermes was found the target is a guess, and this is only a note.
    """
    family, number = scene.recognition.family, scene.recognition.number
    if family not in (Family.OLD, Family.REPAIRED):
        return
    expected = next((i.number for i in scene.installed if i.number is not None), None)
    target = min(expected, NEWEST_TARGET) if expected is not None else DEFAULT_TARGET
    if number < target:
        who = "the installed Hermes expects" if expected is not None else "0.16.0 and later expect"
        yield schema_behind.finding(
            DATABASE,
            f"The database is at schema {number}; {who} {expected or f'{target} or more'}.",
            "hermes-repair migrate --dry-run",
            severity=Severity.WARNING if expected is not None else Severity.INFO,
            data={"schema": number, "target": target, "installed": expected},
            identity=(number, target),
        )


@check("SC002", "columns-missing", Severity.ERROR, Remedy.MIGRATE)
def columns_missing(scene: Scene) -> Iterator[Finding]:
    """The database says a number that it has not got the columns for.

    What it means: every program that believes the number fails on the missing column.

    How it happens: Hermes stamped the number although another process held the lock and some of
    its statements failed (0.13 to 0.15 under contention).

    What repair does: `hermes-repair migrate` adds what is missing, as that number has it.

    How safe it is: additive, in one transaction, after a backup.
    """
    recognition = scene.recognition
    if recognition.family in (Family.OLD, Family.REPAIRED) and recognition.missing:
        number = len(recognition.missing)
        yield columns_missing.finding(
            DATABASE,
            f"The database says schema {recognition.number}, but"
            f" {count(number, 'table or column')} of it {'is' if number == 1 else 'are'} missing:"
            f" {', '.join(recognition.missing[:5])}.",
            "hermes-repair migrate --dry-run",
            data={"schema": recognition.number, "missing": list(recognition.missing)},
            identity=recognition.missing,
        )
