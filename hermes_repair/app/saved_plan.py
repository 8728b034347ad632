"""``repair --plan``: doing what a saved plan says, as far as a plan of this home can say it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hermes_repair.app.apply_units import Draft, Job, apply_units, close_receipt
from hermes_repair.app.diagnose import find, why_not
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, read_file_status
from hermes_repair.app.open_scene import no_conversations, open_scene, readable
from hermes_repair.app.preflight import require_no_question, single_run
from hermes_repair.app.recover import recover
from hermes_repair.app.repair import Repaired, look_afresh
from hermes_repair.checks.registry import proposals
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import Action, Ddl, FileRewrite, IndexRefill
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.errors import InUse, Refused, UsageError
from hermes_repair.model.plans import SCHEMA_ENTRIES, Header, outline
from hermes_repair.records import plan_database
from hermes_repair.records.plan_file import MAKE_PLAN
from hermes_repair.repair.plan_bounds import Bounds, objection
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.schema.foreign_objects import tables_of_hermes

PLAN_AGAIN = advice("Nothing was changed. Make a new one with `{}`.", MAKE_PLAN)


def apply_saved(run: Run, path: Path) -> Repaired:
    """Apply a plan file of ``--plan-out``, exactly that.

    Raises :class:`Refused` where it was changed, is for another home or an earlier state of this
    one, or has a step that no plan of ours can have.
    """
    header, draft = require_plan_of(run.home, path)
    result = Repaired()
    with single_run(run.folder):
        result.recovered = recover(run)
        file_status = read_file_status(run.home)
        require_no_question(run, file_status)
        if file_status.marks != header.base:
            raise Refused(
                "The database changed after this plan was made.",
                advice("Make a new one with `{}`.", MAKE_PLAN),
            )
        if not file_status.alone and not all(one.unit.live for one in draft.outlines):
            raise InUse(f"{file_status.openers.describe()}.", "Stop it, then run this again.")
        job = _require_lawful(run, file_status, path, draft)
        result.applied.append(apply_units(run, file_status, draft, job))
        receipt = result.receipt
        if receipt is not None:
            result.go_on(lambda: close_receipt(run, receipt))
    result.go_on(lambda: look_afresh(run, LookOptions(), result))
    return result


def require_plan_of(home: Home, path: Path) -> tuple[Header, Draft]:
    """Return a plan file of this home.

    Raises :class:`UsageError` where there is no file, :class:`Refused` where it is no such plan.
    """
    if not path.exists():
        raise UsageError(f"There is no plan {path}.", advice("Make one with `{}`.", MAKE_PLAN))
    header, draft = _read(path)
    if header.database != str(home.database):
        raise Refused(
            f"This plan is for {header.database}, not for {home.database}.",
            advice("Make one for this home with `{}`.", MAKE_PLAN),
        )
    return header, draft


def _read(path: Path) -> tuple[Header, Draft]:
    with plan_database.read(path) as file:
        file.require_sealed()
        outlines = tuple(outline(record.number, record.unit) for record in file.records())
        return file.header(), Draft(outlines, path=path, digest=file.digest())


def _require_lawful(run: Run, file_status: FileStatus, path: Path, draft: Draft) -> Job:
    """Return what the plan is applied for, by what the database itself says.

    Raises :class:`Refused` where a step is none that a plan of this home can have.
    """
    home = run.home
    with open_scene(run, LookOptions(), file_status=file_status, check_file=False) as scene:
        if not readable(scene) and scene.file.repeated is None:
            raise no_conversations(scene)
        structural = any(one.needs_backup for one in draft.outlines)
        rewrites = any(one.rewrites_file for one in draft.outlines)
        bounds = Bounds(
            structure=scene.structure,
            tables=tables_of_hermes(),
            home=home.root,
            sources=tuple(Path(os.path.normpath(f)) for f in (home.sessions_dir, home.logs_dir)),
            structural=frozenset(_done_now(scene, Ddl, IndexRefill) if structural else ()),
            rewritten=frozenset(_done_now(scene, FileRewrite) if rewrites else ()),
        )
        allowed = allowed_writes(scene.recognition, scene.structure)
        with plan_database.read(path) as file:
            for record in file.records():
                why = objection(record.unit, bounds)
                if not why and record.unit.kind != SCHEMA_ENTRIES:
                    why = why_not(allowed, record.unit)
                if why:
                    what = record.unit.summary
                    raise Refused(f"The plan {path} was not applied: {what!r}: {why}.", PLAN_AGAIN)
        if not readable(scene):
            return Job("repair")
        return Job("repair", scene.recognition.number, scene.birth)


def _done_now(scene: Scene, *kinds: type[Action]) -> Iterator[Action]:
    """Yield the actions of these kinds that a plan of now has."""
    for unit in proposals(scene, find(scene, Selection())):
        for action in unit.actions:
            if isinstance(action, kinds):
                yield action
