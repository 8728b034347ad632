"""The number of the database against what it should be, and what the number is worth (SC...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import LOOK_AT_MIGRATION
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import serving
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, verb
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.schema.catalogue import DEFAULT_TARGET, NEWEST_TARGET
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.version_row import VersionProblem

DATABASE = {"kind": "database"}
MIGRATED = (Family.OLD, Family.REPAIRED)

_NEW = "Hermes takes the database for a new one and skips every data step of an update"
CONSEQUENCES = {
    VersionProblem.NO_TABLE: _NEW,
    VersionProblem.NO_ROW: _NEW,
    VersionProblem.SEVERAL: "Hermes uses whichever comes first",
    VersionProblem.NULL: "Hermes cannot open the database",
    VersionProblem.NOT_A_NUMBER: "Hermes cannot open the database if it is not a number at all",
    VersionProblem.IMPOSSIBLE: "Hermes takes every step of every update again",
}
"""What 0.13.0, 0.16.0 and 0.19.0 do with such a row."""


@check("SC001", "schema-behind", Severity.WARNING, Remedy.MIGRATE)
def schema_behind(scene: Scene) -> Iterator[Finding]:
    """The database is older than the installed Hermes expects.

    What it means: Hermes changes the database itself on its next start, statement by statement,
    without a transaction and without a backup.

    How it happens: Hermes was updated and has not opened this database since.

    What repair does: `hermes-repair migrate` takes the same steps in one transaction, after a
    verified backup.

    How safe it is: the result has the same structure as a database that Hermes migrated;
    `hermes-repair undo` restores the backup as long as nothing was written since. If no installed
    Hermes was found, the target is a guess and this is only a note.
    """
    family, number = scene.recognition.family, scene.recognition.number
    known = serving(scene.installed)
    expected = known.number if known is not None else None
    target = min(expected, NEWEST_TARGET) if expected is not None else DEFAULT_TARGET
    if family not in MIGRATED or number >= target:
        return
    asks = f"the installed Hermes expects {expected}"
    if expected is None:
        asks = f"0.16.0 and later expect {target} or more"
    yield schema_behind.finding(
        DATABASE,
        f"The database is at schema {number}; {asks}.",
        LOOK_AT_MIGRATION,
        severity=Severity.WARNING if expected is not None else Severity.INFO,
        data={"schema": number, "target": target, "installed": expected},
        identity=(number, target),
    )


@check("SC002", "columns-missing", Severity.ERROR, Remedy.MIGRATE)
def columns_missing(scene: Scene) -> Iterator[Finding]:
    """The database states a schema number whose columns it lacks.

    What it means: every program that believes the number fails on the missing column.

    How it happens: Hermes stamped the number although another process held the lock and some of
    its statements failed (0.13 to 0.15 under contention).

    What repair does: `hermes-repair migrate` adds what is missing.

    How safe it is: additive, in one transaction, after a backup.
    """
    recognition = scene.recognition
    if recognition.family in MIGRATED and recognition.missing:
        number = len(recognition.missing)
        yield columns_missing.finding(
            DATABASE,
            f"The database states schema {recognition.number}, but"
            f" {_tables_and_columns(recognition.missing)} of it {verb(number, 'is', 'are')}"
            " missing:"
            f" {', '.join(recognition.missing[:5])}{', and others' if number > 5 else ''}.",
            LOOK_AT_MIGRATION,
            data={"schema": recognition.number, "missing": list(recognition.missing)},
            identity=recognition.missing,
        )


def _tables_and_columns(names: Sequence[str]) -> str:
    """Return ``2 tables and 1 column`` of names as ``table`` and ``table.column``."""
    columns = sum("." in name for name in names)
    numbers = ((len(names) - columns, "table"), (columns, "column"))
    return " and ".join(count(number, noun) for number, noun in numbers if number)


@check("SC003", "schema-newer-than-known", Severity.INFO, Remedy.NONE)
def schema_newer(scene: Scene) -> Iterator[Finding]:
    """The database is newer than this hermes-repair knows.

    What it means: findings rest on the tables and columns that are known. From schema 31 on,
    hermes-repair only cleans compression locks; in schemas 23 to 30 it writes only what their
    search index does not depend on.

    How it happens: Hermes is newer than hermes-repair.

    What repair does: nothing about the schema: from 23 on Hermes' own code migrates, and there is
    no way back. Other findings are repaired as far as writing is allowed.

    How safe it is: nothing is changed.
    """
    number, family = scene.recognition.number, scene.recognition.family
    if family is Family.NEWER:
        yield schema_newer.finding(
            DATABASE,
            f"The database is at schema {number}, which hermes-repair knows only in part: it"
            " checks what it knows and frees locks, and writes nothing else.",
            "Look for a newer hermes-repair.",
            data={"schema": number},
            identity=(number,),
        )
    elif family is Family.LATER:
        allowed = allowed_writes(scene.recognition, scene.structure)
        others = (
            "messages are repaired too."
            if allowed.messages
            else f"messages are left alone ({allowed.reason.partition(': ')[2]})."
        )
        scene.notes.append(
            f"Only Hermes itself migrates schema {number}. Locks and sessions are repaired as"
            f" usual; {others}"
        )


@check("SC005", "version-row-invalid", Severity.ERROR, Remedy.MIGRATE)
def version_row_invalid(scene: Scene) -> Iterator[Finding]:
    """The row that states the schema number cannot be trusted.

    What it means: Hermes reads the first row of schema_version and believes it. With a text there
    it cannot start at all; without a row it takes an old database for a new one, stamps the newest
    number and never takes the steps in between, so that search misses what tools said.

    How it happens: a program other than Hermes wrote the row, or a restore brought a second one.

    What repair does: `hermes-repair migrate` determines the number from the tables and columns that
    exist, migrates from there, and leaves one row with the right number.

    How safe it is: in one transaction, after a backup. The tables and columns are what they are,
    whatever the row says.
    """
    stamp, recognition = scene.recognition.stamp, scene.recognition
    if stamp.problem is None or recognition.family is Family.EMPTY:
        return
    ours = recognition.family in MIGRATED
    yield version_row_invalid.finding(
        DATABASE,
        f"The schema number cannot be trusted: {stamp.problem.value}."
        f" {CONSEQUENCES[stamp.problem]}. Its tables and columns are those of schema"
        f" {recognition.number}.",
        LOOK_AT_MIGRATION if ours else "Not repaired from schema 23 on.",
        remedy=Remedy.MIGRATE if ours else Remedy.MANUAL,
        data={"problem": stamp.problem.name.lower(), "schema": recognition.number},
        identity=(stamp.problem.name,),
    )
