"""``backup`` and ``restore`` from options to an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_repair.app import backups as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli.run_repair import ask, require_yes
from hermes_repair.cli.space import space_entry, space_lines
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.words import minute, size
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, show


def _document(home: Home, **fields: Any) -> dict[str, Any]:
    return {**json_documents.envelope(str(home.root), place_of(home)), **fields}


def _entry(backup: app.Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "path": str(backup.path),
        "size": backup.size,
        "made": backup.made,
        "for_receipt": backup.receipt,
    }


def make(target: Target) -> int:
    """Make a copy now."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        copied = app.make(home, environment)
        made, damage = copied.backup, list(copied.damage or ())
        code = ExitCode.REFUSED if damage else ExitCode.OK
        if target.as_json:
            disk = space_entry(copied.space)
            return code, _document(home, backup=_entry(made), damage=damage, space=disk)
        how = "not sound" if damage else "verified"
        told = Line(
            f"Backup {made.name}: {size(made.size)}, {how}, in {made.path}.",
            "error" if damage else "good",
        )
        lines = [*heading(home), told, *_damage_lines(damage, home, target)]
        target.say([*lines, *space_lines(copied.space, done=True)])
        return code, None

    return each_home(target, work)


def _damage_lines(damage: list[str], home: Home, target: Target) -> list[Line]:
    """Return what to know of a copy of a damaged database, empty for a sound one."""
    if not damage:
        return []
    return [
        Line(
            f"This is a copy of a damaged database ({damage[0]}): it holds what can still be read,"
            " and `restore` refuses it. Keep your older copies.",
            "error",
            asked=True,
        ),
        Line(target.typed(home, "Next: hermes-repair doctor"), "head", asked=True),
    ]


def list_all(target: Target) -> int:
    """List the copies."""

    def work(home: Home, _world: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        found = app.listed(home)
        if target.as_json:
            return ExitCode.OK, _document(home, backups=[_entry(backup) for backup in found])
        lines = heading(home)
        wide = max((len(backup.name) for backup in found), default=0)
        for backup in found:
            when = minute(backup.made)
            told = f"{backup.name:<{wide}}  {when}  {size(backup.size):>10}  {_purpose(backup)}"
            lines.append(Line(told, asked=True))
        if not found:
            told = "There are no backups yet"
            can = app.can_copy(home)
            told += "; `hermes-repair backup` makes one." if can else " to put back."
            lines.append(Line(target.typed(home, told)))
        target.say(lines)
        return ExitCode.OK, None

    return each_home(target, work)


def _purpose(backup: app.Backup) -> str:
    if backup.receipt:
        return "before that run"
    if backup.of_damaged:
        return "made by hand, of a damaged database"
    return "before a restore" if backup.name.startswith(app.BEFORE_RESTORE) else "made by hand"


def prune(target: Target) -> int:
    """Remove old copies."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        removed = app.prune(home, environment)
        if target.as_json:
            return ExitCode.OK, _document(home, removed=[path.name for path in removed])
        lines = [Line(f"Removed {path.name}.") for path in removed]
        lines = lines or [Line("No backup is old enough to be removed.")]
        target.say([*heading(home), *lines])
        return ExitCode.OK, None

    return each_home(target, work)


def restore(target: Target, named: str, yes: bool, from_profile: str | None) -> int:
    """Put a copy back; one of another profile only where ``from_profile`` names that."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        require_yes(yes, "; `hermes-repair backup list` shows the copies.")

        def agree(source: Path, now: app.Copied) -> bool:
            if yes:
                return True
            show([*heading(home), *space_lines(now.space)], stream="stderr")
            return ask(f"Restore {source}? The present state is kept in {now.backup.name}.")

        kept = app.restore(home, environment, named, agree, from_profile)
        if target.as_json:
            code = ExitCode.OK if kept is not None else ExitCode.REFUSED
            restored = named if kept is not None else None
            kept_entry = _entry(kept.backup) if kept is not None else None
            disk = space_entry(kept.space) if kept is not None else None
            return code, _document(home, restored=restored, kept=kept_entry, space=disk)
        if kept is None:
            target.say([*heading(home), Line("Nothing was changed.", asked=True)])
            return ExitCode.REFUSED, None
        told = f"Restored: {named}. The state before is backup {kept.backup.name}."
        target.say([*heading(home), Line(told, "good"), *space_lines(kept.space, done=True)])
        return ExitCode.OK, None

    return each_home(target, work)
