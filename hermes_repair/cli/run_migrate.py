"""``migrate`` from options to an exit code."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from hermes_repair.app import migrate as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli.run_repair import ask, require_yes, stopped_entry, wal_lines
from hermes_repair.cli.space import space_entry, space_lines
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.words import count
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, as_asked, show
from hermes_repair.report.migration_text import sql_lines

SHOWN = 20  # sessions that are named without -v


def list_versions(target: Target) -> int:
    """Print the schema versions that are known."""
    versions = app.known_versions()
    if target.as_json:
        json_documents.write(
            {
                "format_version": json_documents.FORMAT_VERSION,
                "versions": [
                    {
                        "schema": number,
                        "releases": list(releases),
                        "date": step.date if step else None,
                        "brings": step.title if step else None,
                        "additive": step.additive if step else None,
                        "touches": step.touches if step else None,
                    }
                    for number, releases, step in versions
                ],
            }
        )
        return int(ExitCode.OK)
    lines = [Line("schema  since       additive  releases; what it adds; rows it touches", "head")]
    for number, releases, step in versions:
        additive = "?" if step is None else "yes" if step.additive else "no"
        parts = [", ".join(releases) or "unreleased builds"]
        parts += [part for part in (step.title, step.touches) if part] if step else []
        date = step.date if step else ""
        said = "; ".join(parts)
        lines.append(Line(f"{number:>6}  {date:<10}  {additive:<8}  {said}"))
    show(lines)
    return int(ExitCode.OK)


def migrate(target: Target, to: int | None, force: bool, dry_run: bool, yes: bool) -> int:
    """Migrate every home that is meant, or say what would be done."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        if dry_run:
            return _dry_run(app.plan_way(home, environment, to, force), home, target)
        require_yes(yes)
        result = app.migrate(
            home, environment, to, force, lambda way: yes or _ask(way, home, target)
        )
        return _done(result, home, target)

    return each_home(target, work)


def _dry_run(way: app.Way, home: Home, target: Target) -> tuple[ExitCode, dict[str, Any] | None]:
    short = way.space is not None and not way.space.enough
    code = ExitCode.REFUSED if short else ExitCode.OK
    if target.as_json:
        return code, {**_document(way, home), "plan": _plan(way)}
    lines = [*_head(way, home), *as_asked(_steps(way, target, sql=not target.quiet))]
    if not way.nothing_to_do:
        words = f"Nothing was changed. Next: hermes-repair migrate{_asked_for(way)}"
        lines.append(Line(target.typed(home, words), "head"))
    target.say(lines)
    return code, None


def _asked_for(way: app.Way) -> str:
    """Return the words of the command line that asked for this number, empty where none did."""
    if not way.target.asked:
        return ""
    return f" --to {way.route.target}" + (" --force" if way.target.forced else "")


def _head(way: app.Way, home: Home) -> list[Line]:
    start, number = way.route.start, way.route.target
    what = f"schema {start} -> {number}" if start != number else f"schema {number}"
    lines = [
        Line(f"Hermes home {home.root}, profile {home.profile}: {what}", "head"),
        Line(f"Target {number}: {way.target.origin}", "dim"),
    ]
    lines += [Line(note) for note in way.target.notes]
    if way.nothing_to_do:
        lines += [Line("There is nothing to do.", "good"), *_kept(way)]
    return lines


def _kept(way: app.Way) -> list[Line]:
    """Say what is otherwise than every release makes it, and stays so."""
    kept = way.route.kept
    if not kept:
        return []
    return [
        Line(f"Left alone, although no release makes it that way ({count(len(kept), 'thing')}):"),
        *(Line(f"  {line}", "dim") for line in kept),
    ]


def _steps(way: app.Way, target: Target, *, sql: bool) -> list[Line]:
    """Return what would be done, step by step, with the text of every statement or without."""
    if way.nothing_to_do:
        return []
    lines = [Line("In one transaction, after a verified backup:")]
    for step, parts in groupby(way.shown, key=lambda part: part.step):
        lines.append(Line(f"step {step}", "head"))
        for part in parts:
            touched = f" ({count(part.rows, 'row')})" if part.rows is not None else ""
            mends = f" [{part.finding}]" if part.finding else ""
            lines.append(Line(f"  {part.what}{touched}{mends}"))
            if sql:
                lines += sql_lines(part)
    return [*lines, *_kept(way), *_left_alone(way, target), *space_lines(way.space)]


def _left_alone(way: app.Way, target: Target) -> list[Line]:
    left = way.decisions.left_alone
    if not left:
        return []
    are = "is" if len(left) == 1 else "are"
    what = (
        f"{count(len(left), 'session')} that Hermes' own step 16 would hide as delegates' runs"
        f" {are} not marked:"
    )
    lines = [Line(what, "warning")]
    shown = left if target.verbose else left[:SHOWN]
    lines += [Line(f"  {session}: {why.value}") for session, why in shown]
    if len(left) > len(shown):
        lines.append(Line(f"  and {len(left) - len(shown):,} more; -v lists all", "dim"))
    return lines


def _ask(way: app.Way, home: Home, target: Target) -> bool:
    show([*_head(way, home), *_steps(way, target, sql=target.verbose)], stream="stderr")
    return ask("Migrate?")


def _plan(way: app.Way) -> dict[str, Any]:
    return {
        "actions": [
            {
                "step": part.step,
                "what": part.what,
                "finding": part.finding,
                "rows": part.rows,
                "statements": [{"sql": sql, "times": times} for sql, times in part.statements],
            }
            for part in way.shown
        ],
        "room": way.room,
        "kept": list(way.route.kept),
        "left_alone": [
            {"session": session, "reason": why.value} for session, why in way.decisions.left_alone
        ],
    }


def _document(way: app.Way, home: Home) -> dict[str, Any]:
    return {
        **json_documents.envelope(str(home.root), place_of(home) | {"schema": way.route.start}),
        "start": way.route.start,
        "target": way.route.target,
        "target_by": way.target.origin,
        "target_guessed": way.target.guessed,
        "notes": list(way.target.notes),
        "space": space_entry(way.space),
    }


def _done(
    result: app.Migrated, home: Home, target: Target
) -> tuple[ExitCode, dict[str, Any] | None]:
    if result.problem is not None:
        raise result.problem
    way = result.way
    code = ExitCode.REFUSED if result.declined or result.stopped else ExitCode.OK
    if target.as_json:
        return code, {
            **_document(way, home),
            "stopped": stopped_entry(result.stopped),
            "wal_left": result.wal_left,
            "recovered": result.recovered,
            "plan": _plan(way),
            "receipt": {
                "id": result.receipt.stem,
                "path": str(result.receipt),
                "backup": str(result.backup),
            }
            if result.receipt is not None
            else None,
        }
    lines = [*_head(way, home), *(Line(sentence) for sentence in result.recovered)]
    if result.declined:
        lines.append(Line("Nothing was changed.", asked=True))
    elif result.receipt is not None:
        touched = [f"{part.what} ({count(part.rows, 'row')})" for part in way.shown if part.rows]
        lines += [Line(f"  {words}") for words in touched]
        lines += [*_kept(way), *_left_alone(way, target), *space_lines(way.space, done=True)]
        how = "Done and verified" if result.stopped is None else "Done"
        told = f"{how}. Backup {result.backup}, receipt {result.receipt.stem}."
        lines.append(Line(told, "good"))
        if result.stopped is not None:
            told = f"It was not checked again: {result.stopped.message}"
            told += target.typed(home, " Fix that, then: hermes-repair doctor")
            lines.append(Line(told, "error", asked=True))
        lines += wal_lines(result.wal_left)
        lines.append(Line(target.typed(home, "To undo it: hermes-repair undo")))
    target.say(lines)
    return code, None
