"""``migrate`` from options to an exit code."""

from __future__ import annotations

from typing import Any

from hermes_repair.app import migrate as app
from hermes_repair.app.world import World
from hermes_repair.cli.run_repair import ask, require_yes
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import Ddl, RowUpdate
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import documents
from hermes_repair.report.escape import count, shorten
from hermes_repair.report.lines import Line, show
from hermes_repair.schema.catalogue import default_catalogue


def list_versions(target: Target) -> int:
    """Print the schema versions that are known."""
    catalogue = default_catalogue()
    versions = [
        (number, version.releases, catalogue.steps.get(number))
        for number, version in catalogue.versions.items()
    ]
    if target.as_json:
        documents.write(
            {
                "format_version": documents.FORMAT_VERSION,
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
    lines = [
        Line("schema  since       additive  releases; what it brings; rows it touches", "head")
    ]
    for number, releases, step in versions:
        additive = "?" if step is None else "yes" if step.additive else "no"
        parts = [", ".join(releases) or "unreleased builds"]
        parts += [part for part in (step.title, step.touches) if part] if step else []
        date = step.date if step else ""
        said = "; ".join(parts)
        lines.append(Line(f"{number:>6}  {date:<10}  {additive:<8}  {said}"))
    show(lines)
    return int(ExitCode.OK)


def migrate(
    target: Target, to: int | None, force: bool, check: bool, dry_run: bool, yes: bool
) -> int:
    """Migrate every home that is meant, or say what would be done."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        if check:
            return _check(home, world, to, target)
        if dry_run:
            return _dry_run(home, world, to, force, target)
        require_yes(yes)
        result = app.migrate(home, world, to, force, lambda way: yes or _ask(way, home, target))
        return _done(result, home, target)

    return each_home(target, work)


def _dry_run(
    home: Home, world: World, to: int | None, force: bool, target: Target
) -> tuple[ExitCode, dict[str, Any] | None]:
    way = app.plan_way(home, world, to, force)
    if target.as_json:
        return ExitCode.OK, {**_document(way, home), "plan": _plan(way)}
    show([*_head(way, home), *_steps(way), Line("Nothing was changed.", "dim")])
    return ExitCode.OK, None


def _head(way: app.Way, home: Home) -> list[Line]:
    start, number = way.route.start, way.route.target
    lines = [
        Line(
            f"Hermes home {home.root}, profile {home.profile}: schema {start} -> {number}", "head"
        ),
        Line(f"Target {number} by: {way.target.origin}", "dim"),
    ]
    lines += [Line(note) for note in way.target.notes]
    if way.nothing_to_do:
        lines.append(Line("There is nothing to do.", "good"))
    return lines


def _steps(way: app.Way) -> list[Line]:
    counts = dict(way.counts)
    lines = []
    for part in way.route.parts:
        touched = f" ({count(counts[part.what], 'row')})" if part.what in counts else ""
        lines.append(Line(f"step {part.step}: {part.what}{touched}"))
        for action in part.actions:
            if isinstance(action, Ddl):
                lines.append(Line(f"    {shorten(' '.join(action.sql.split()), 160)}", "dim"))
        updates = sum(1 for action in part.actions if isinstance(action, RowUpdate))
        if updates:
            lines.append(Line(f"    {count(updates, 'row')} by name, kept in the receipt", "dim"))
    return lines + _left_alone(way)


def _left_alone(way: app.Way) -> list[Line]:
    left = way.decisions.left_alone
    if not left:
        return []
    lines = [
        Line(
            f"{count(len(left), 'session')} that Hermes' own step 16 would hide stay visible:",
            "warning",
        )
    ]
    return lines + [Line(f"    {session}: {why.value}") for session, why in left]


def _ask(way: app.Way, home: Home, target: Target) -> bool:
    show([*_head(way, home), *_steps(way)], stream="stderr")
    return ask("A verified backup is made first. Migrate?")


def _plan(way: app.Way) -> dict[str, Any]:
    counts = dict(way.counts)
    return {
        "actions": [
            {
                "step": part.step,
                "what": part.what,
                "finding": part.finding,
                "rows": counts.get(part.what),
                "sql": [action.sql for action in part.actions if isinstance(action, Ddl)],
                "updates": sum(1 for a in part.actions if isinstance(a, RowUpdate)),
            }
            for part in way.route.parts
        ],
        "left_alone": [
            {"session": session, "reason": why.value} for session, why in way.decisions.left_alone
        ],
    }


def _document(way: app.Way, home: Home) -> dict[str, Any]:
    return {
        **documents.envelope(
            str(home.root), {"path": str(home.root / "state.db"), "schema": way.route.start}
        ),
        "start": way.route.start,
        "target": way.route.target,
        "target_by": way.target.origin,
        "target_guessed": way.target.guessed,
        "notes": list(way.target.notes),
    }


def _done(
    result: app.Migrated, home: Home, target: Target
) -> tuple[ExitCode, dict[str, Any] | None]:
    if result.problem is not None:
        raise result.problem
    way = result.way
    code = ExitCode.REFUSED if result.declined else ExitCode.OK
    if way is None:
        return code, None
    if target.as_json:
        return code, {
            **_document(way, home),
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
    lines = [Line(sentence) for sentence in result.recovered] + _head(way, home)
    if result.declined:
        lines.append(Line("Nothing was changed."))
    elif result.receipt is not None:
        lines += _left_alone(way)
        lines.append(
            Line(
                f"Done and verified. Backup {result.backup}, receipt {result.receipt.stem}.", "good"
            )
        )
        lines.append(Line(f"To take it back: hermes-repair undo{target.option}"))
    show(lines)
    return code, None
