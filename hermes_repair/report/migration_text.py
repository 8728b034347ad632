"""What ``migrate`` says, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from hermes_repair.app.migrate import Migrated, Way, known_versions
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import count, verb
from hermes_repair.report import json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.disk_text import space_entry, space_lines, wal_lines
from hermes_repair.report.lines import Line, as_asked
from hermes_repair.schema.route_preview import Shown

SHOWN = 20  # sessions that are named without -v


def versions_entries() -> list[dict[str, Any]]:
    """Return the schema versions that are known as JSON."""
    return [
        {
            "schema": number,
            "releases": list(releases),
            "date": step.date if step else None,
            "brings": step.title if step else None,
            "additive": step.additive if step else None,
            "touches": step.touches if step else None,
        }
        for number, releases, step in known_versions()
    ]


def versions_lines() -> Iterator[Line]:
    """Yield the schema versions that are known."""
    yield Line("schema  since       additive  releases; what it adds; rows it touches", "head")
    for number, releases, step in known_versions():
        additive = "?" if step is None else "yes" if step.additive else "no"
        parts = [", ".join(releases) or "unreleased builds"]
        parts += [part for part in (step.title, step.touches) if part] if step else []
        date = step.date if step else ""
        yield Line(f"{number:>6}  {date:<10}  {additive:<8}  {'; '.join(parts)}")


def plan_document(way: Way) -> dict[str, Any]:
    """Return what a migration would do as JSON."""
    return {
        "start": way.route.start,
        "target": way.route.target,
        "target_by": way.target.origin,
        "target_guessed": way.target.guessed,
        "notes": list(way.target.notes),
        "space": space_entry(way.space),
        "plan": {
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
                {"session": session, "reason": why.value}
                for session, why in way.decisions.left_alone
            ],
        },
    }


def plan_lines(way: Way, place: str, audience: Audience) -> Iterator[Line]:
    """Yield what a migration would do, for ``--dry-run``; ``place`` names the home."""
    yield from _head(way, place)
    if way.nothing_to_do:
        return
    yield from as_asked(_steps(way, audience, sql=not audience.quiet))
    asked_for = ("--to", str(way.route.target)) if way.target.asked else ()
    forced = ("--force",) if way.target.asked and way.target.forced else ()
    again = command("migrate", *asked_for, *forced)
    yield Line(audience.typed(advice("Nothing was changed. Next: {}", again)), "head")


def question_lines(way: Way, place: str, audience: Audience) -> Iterator[Line]:
    """Yield what a migration is going to do."""
    yield from _head(way, place)
    if not way.nothing_to_do:
        yield from _steps(way, audience, sql=audience.verbose)


def _head(way: Way, place: str) -> Iterator[Line]:
    start, number = way.route.start, way.route.target
    what = f"schema {start} -> {number}" if start != number else f"schema {number}"
    yield Line(f"{place}: {what}", "head")
    yield Line(f"Target {number}: {way.target.origin}", "dim")
    yield from map(Line, way.target.notes)
    if way.nothing_to_do:
        yield Line("There is nothing to do.", "good")
        yield from _kept(way)


def _kept(way: Way) -> Iterator[Line]:
    """Say what is otherwise than every release makes it, and stays so."""
    kept = way.route.kept
    if kept:
        things = count(len(kept), "thing")
        yield Line(f"Left alone, although no release makes it that way ({things}):")
        yield from (Line(f"  {line}", "dim") for line in kept)


def _steps(way: Way, audience: Audience, *, sql: bool) -> Iterator[Line]:
    """Yield what would be done, step by step, with the text of every statement or without."""
    yield Line("In one transaction, after a verified backup:")
    for step, parts in groupby(way.shown, key=lambda part: part.step):
        yield Line(f"step {step}", "head")
        for part in parts:
            touched = f" ({count(part.rows, 'row')})" if part.rows is not None else ""
            mends = f" [{part.finding}]" if part.finding else ""
            yield Line(f"  {part.what}{touched}{mends}")
            if sql:
                yield from _sql(part)
    yield from _kept(way)
    yield from _left_alone(way, audience)
    yield from space_lines(way.space)


def _sql(part: Shown) -> Iterator[Line]:
    for statement, times in part.statements:
        *first, last = statement.splitlines()
        yield from (Line(f"    {line}", "dim", verbatim=True) for line in first)
        often = f"  -- {times:,} times" if times > 1 else ""
        yield Line(f"    {last};{often}", "dim", verbatim=True)


def _left_alone(way: Way, audience: Audience) -> Iterator[Line]:
    left = way.decisions.left_alone
    if not left:
        return
    what = (
        f"{count(len(left), 'session')} that Hermes' own step 16 would hide as delegates' runs"
        f" {verb(len(left), 'is', 'are')} not marked:"
    )
    yield Line(what, "warning")
    shown = left if audience.verbose else left[:SHOWN]
    yield from (Line(f"  {session}: {why.value}") for session, why in shown)
    if len(left) > len(shown):
        yield Line(f"  and {len(left) - len(shown):,} more; -v lists all", "dim")


def result_document(result: Migrated) -> dict[str, Any]:
    """Return what a migration did as JSON."""
    receipt = None
    if result.receipt is not None:
        receipt = {
            "id": result.receipt.stem,
            "path": str(result.receipt),
            "backup": str(result.backup),
        }
    return {
        **plan_document(result.way),
        "stopped": json_documents.reason(result.stopped) if result.stopped is not None else None,
        "wal_left": result.wal_left,
        "recovered": result.recovered,
        "receipt": receipt,
    }


def result_lines(result: Migrated, place: str, audience: Audience) -> Iterator[Line]:
    """Yield what a migration did."""
    way = result.way
    yield from _head(way, place)
    yield from map(Line, result.recovered)
    if result.declined:
        yield Line("Nothing was changed.", asked=True)
    elif result.receipt is not None:
        for part in way.shown:
            if part.rows:
                yield Line(f"  {part.what} ({count(part.rows, 'row')})")
        yield from _kept(way)
        yield from _left_alone(way, audience)
        yield from space_lines(way.space, done=True)
        how = "Done and verified" if result.stopped is None else "Done"
        text = f"{how}. Backup {result.backup}, receipt {result.receipt.stem}."
        yield Line(text, "good")
        if result.stopped is not None:
            hint = advice("Fix that, then: {}", command("doctor"))
            text = f"It was not checked again: {result.stopped.message} {audience.typed(hint)}"
            yield Line(text, "error", asked=True)
        yield from wal_lines(result.wal_left)
        yield Line(audience.typed(advice("To undo it: {}", command("undo"))))
        if result.stopped is None:
            yield audience.next(command("doctor"))
