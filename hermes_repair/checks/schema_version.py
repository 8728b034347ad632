"""The number of the database against what it should be, and what the number is worth (SC...).

Also what does not go together: code and database, code and process (SC008); and whether a migration
would be refused here, so that nothing that would be is ever printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE, LOOK_AT_MIGRATION, MIGRATED
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import Installed, serving
from hermes_repair.host import ProcessInfo, Program
from hermes_repair.model.commands_to_type import Advice, Command, Hint
from hermes_repair.model.errors import Refused
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, minute, verb
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.schema.catalogue import DEFAULT_TARGET, NEWEST_TARGET, default_catalogue
from hermes_repair.schema.recognise import Family, VersionProblem
from hermes_repair.schema.releases import number_of_release, skews_of
from hermes_repair.schema.route import read_crowded, route
from hermes_repair.schema.route_parts import RouteFacts

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
    hermes-repair only cleans compression locks, and writes none of Hermes' files; in schemas 23 to
    30 it writes only what their search index does not depend on.

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


@check("SC008", "version-skew", Severity.WARNING, Remedy.MANUAL)
def version_skew(scene: Scene) -> Iterator[Finding]:
    """A running Hermes is older than its code, or the code does not fit this database.

    What it means: a process that was started before an update keeps running the old code and loads
    parts of the new code when it first needs them; one such gateway looped forever. Some releases
    do harm to a database of another schema: they fail to count tokens, or damage its search index.

    How it happens: `hermes update` changed the code and the gateway was not restarted (Hermes
    #34475), or an older Hermes opens a database that a newer one has changed.

    What repair does: nothing; it stops none of your programs. Restart Hermes after an update, and
    update whatever else uses the same home.

    How safe it is: nothing is changed. The time of the update comes from the code's files; a tool
    that touched them without changing them looks the same.
    """
    for process in scene.openers.processes:
        install = _code_of(process, scene.installed)
        if install is not None and _is_older(process, install):
            yield _outrun(process, install)
    for install in scene.installed:
        if install.number is None:
            continue
        for skew in skews_of(install.number, scene.recognition):
            version = install.release or "of an unknown release"
            yield version_skew.finding(
                {"kind": "install", "path": str(install.code)},
                f"Hermes {version} ({install.how}) expects schema {install.number}; on this"
                f" database (schema {scene.recognition.number}) {skew.what}.",
                "Update that Hermes before it runs on this home.",
                data={"code": install.number, "schema": scene.recognition.number},
                identity=(install.number, scene.recognition.number, skew.what),
            )
    release = scene.look_options.release
    number = number_of_release(release) if release is not None else None
    for skew in skews_of(number, scene.recognition) if number is not None else ():
        yield version_skew.finding(
            {"kind": "release", "release": release},
            f"Hermes {release} expects schema {number}; on this database (schema"
            f" {scene.recognition.number}) {skew.what}.",
            "Do not open this database with that release.",
            data={"code": number, "schema": scene.recognition.number},
            identity=(number, scene.recognition.number, skew.what),
        )


def _code_of(process: ProcessInfo, installed: tuple[Installed, ...]) -> Installed | None:
    """Return the code that a Hermes process runs; of a renamed one the only code that there is."""
    if not process.is_hermes or not process.same_namespace:
        return None
    if process.interpreter:
        python = Path(process.interpreter)
        return next((install for install in installed if python in install.pythons), None)
    return installed[0] if len(installed) == 1 else None


def _is_older(process: ProcessInfo, install: Installed) -> bool:
    if process.start_time is None or install.changed_at is None:
        return False
    return process.start_time + process.start_tolerance < install.changed_at


def _outrun(process: ProcessInfo, install: Installed) -> Finding:
    changed = minute(install.changed_at or 0)
    profile = f" --profile {process.profile}" if process.profile else ""
    restart = f"Restart it: hermes{profile} gateway restart"
    if process.program is not Program.GATEWAY:
        restart = (
            "Quit that Hermes and start it again; if it is the gateway: hermes gateway restart"
        )
    name = process.describe()
    return version_skew.finding(
        {"kind": "process", "pid": process.pid},
        f"{name[0].upper()}{name[1:]} was started before its code was changed on {changed}.",
        restart,
        data={"code": str(install.code), "changed_at": install.changed_at},
        identity=(process.pid, process.start_ticks, install.changed_at),
    )


BY_ITS_PARTS = frozenset({"SC004", "SC006", "SC007"})
"""Findings that the repair mends by parts of the migration to the database's own number."""


def only_where_there_is_a_way(scene: Scene, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; what a migration would mend says why not where that is refused."""
    if not any(_needs_one(finding) for finding in findings):
        return list(findings)
    why = _refusal(scene)
    if why is None:
        return list(findings)
    reason = f"Not repaired here: {why}"
    return [
        replace(finding, remedy=Remedy.MANUAL, hint=reason) if _needs_one(finding) else finding
        for finding in findings
    ]


def with_one_target(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; where one migrates to a number that it names (LN010), all do.

    Without an installed Hermes `migrate` goes to a number that is a guess, and what the next open
    would hide asks for a later one: two targets in one report are one too many.
    """
    named = (_target(finding.hint) for finding in findings if finding.remedy is Remedy.MIGRATE)
    words = next((target for target in named if target), ())
    if not words:
        return list(findings)
    return [replace(finding, hint=_aimed(finding.hint, words)) for finding in findings]


def _target(hint: Hint) -> tuple[str, ...]:
    """Return the ``--to N`` of a command to migrate, nothing for any other hint."""
    if not isinstance(hint, Command) or hint.name != "migrate" or "--to" not in hint.words:
        return ()
    place = hint.words.index("--to")
    return hint.words[place : place + 2]


def _aimed(hint: Hint, words: tuple[str, ...]) -> Hint:
    if isinstance(hint, Advice):
        return replace(hint, parts=tuple(_aimed(part, words) for part in hint.parts))
    if isinstance(hint, Command) and hint.name == "migrate" and "--to" not in hint.words:
        return replace(hint, words=(*words, *hint.words))
    return hint


def _needs_one(finding: Finding) -> bool:
    by_parts = finding.id in BY_ITS_PARTS and finding.remedy in (Remedy.SAFE, Remedy.UNSAFE)
    return finding.remedy is Remedy.MIGRATE or by_parts


def _refusal(scene: Scene) -> str | None:
    """Return why the way to the database's own number is refused, or to the newest."""
    if scene.recognition.family not in MIGRATED:
        return None
    own = scene.recognition.number  # 0 where nothing tells it, 3 is not known
    for target in sorted({own, NEWEST_TARGET} & {*default_catalogue().known_numbers()}):
        crowded = read_crowded(scene.look.rows, scene.structure, target)
        try:
            route(scene.structure, target, RouteFacts(crowded=crowded))
        except Refused as refused:
            return refused.message
    return None
