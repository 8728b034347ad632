"""``merge --into-profile``: a lineage that is in the wrong profile goes to the right one.

It is merged there, looked at again, and then archived where it was: nothing is deleted. A schema
without archives (up to 13) leaves it listed in both, which is said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.app.apply_units import Job, apply_units, close_receipt, in_memory
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.merge_into_home import Merged, MergeRequest, Preview, merge, preview
from hermes_repair.app.merge_units import MERGE
from hermes_repair.app.open_scene import ask_scene, require_known
from hermes_repair.app.preflight import require_alone, single_run
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home, on_behalf_of_owners, profile_names
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import quoted, typed
from hermes_repair.model.errors import HermesRepairError, UsageError
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.words import count

NO_ARCHIVE = "this schema has no archive, so the lineage stays listed here too"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a lineage. ``merged`` is what the other profile says of it.

    ``there`` is the folder of that, ``sessions`` are all of the lineage. ``archived`` counts those
    that were archived here by the run ``receipt``; ``stays`` is why they were not, empty where they
    were.
    """

    merged: Merged
    there: Path
    sessions: tuple[str, ...]
    archived: int = 0
    receipt: Path | None = None
    stays: str = ""

    @property
    def complete(self) -> bool:
        """Whether all of it is there, and here as far as the schema can."""
        return self.merged.complete and self.stays in ("", NO_ARCHIVE)


@dataclass(frozen=True, slots=True)
class _Lineage:
    sessions: tuple[str, ...]
    open_here: tuple[str, ...]
    has_archive: bool


def root_of(run: Run, profile: str) -> Path:
    """Return the folder of another profile of the same home."""
    base = run.home.base
    names = ("default", *profile_names(base))
    if profile not in names:
        raise UsageError(
            f"There is no profile {profile!r} in {base}.",
            f"The profiles here are: {', '.join(names)}.",
        )
    if profile == run.home.profile:
        raise UsageError(f"These chats are in profile {profile!r} already.", "Name another one.")
    return base if profile == "default" else base / "profiles" / profile


@contextmanager
def _at(root: Path) -> Iterator[Home]:
    """Yield another home; what its errors advise is meant for it and names it."""
    with on_behalf_of_owners(root) as home:
        try:
            yield home
        except HermesRepairError as error:
            error.hint = typed(error.hint, f" --home {quoted(str(root))}")
            raise


def preview_move(
    run: Run, sessions: Collection[str], profile: str
) -> tuple[Preview, tuple[str, ...]]:
    """Return what a move would do, and the sessions that it is of; changes nothing."""
    lineage = _lineage(run, sessions)
    with _at(root_of(run, profile)) as home:
        request = MergeRequest((run.home.root,), frozenset(lineage.sessions))
        return preview(Run(home, run.environment), request), lineage.sessions


def move(
    run: Run, sessions: Collection[str], profile: str, agree: Callable[[Preview], bool]
) -> Moved:
    """Copy the whole lineages of some sessions to another profile, and archive them here.

    Raises what :func:`~hermes_repair.app.merge_into_home.merge` does, of either home.
    """
    root = root_of(run, profile)
    require_alone(read_file_status(run.home))
    lineage = _lineage(run, sessions)
    with _at(root) as home:
        request = MergeRequest((run.home.root,), frozenset(lineage.sessions))
        merged = merge(Run(home, run.environment), request, agree)
    if merged.declined or merged.refused or merged.stopped is not None:
        return Moved(merged, root, lineage.sessions, stays="it is not all in the other profile")
    if not lineage.has_archive:
        return Moved(merged, root, lineage.sessions, stays=NO_ARCHIVE)
    if not lineage.open_here:
        return Moved(merged, root, lineage.sessions)
    return _archive(run, Moved(merged, root, lineage.sessions), lineage.open_here, profile)


def _lineage(run: Run, sessions: Collection[str]) -> _Lineage:
    def ask(scene: Scene) -> _Lineage:
        require_known(scene, sessions)
        whole: dict[str, None] = {}
        for name in sorted(sessions):
            if name not in scene.node:
                raise UsageError(f"{name} is in no row of this profile.", "Name one that is.")
            whole |= dict.fromkeys(scene.graph.family(name))
        return _Lineage(
            tuple(whole),
            tuple(name for name in whole if scene.node[name].archived == 0),
            "archived" in scene.look.columns("sessions"),
        )

    return ask_scene(run, ask)


def _archive(run: Run, moved: Moved, sessions: Collection[str], profile: str) -> Moved:
    unit = Unit(
        kind=MERGE,
        subject=moved.sessions[0],
        summary=f"archive {count(len(sessions), 'session')} that went to {profile}",
        actions=tuple(
            RowUpdate("sessions", {"id": name}, {"archived": 0}, {"archived": 1})
            for name in sessions
        ),
        safety=Safety.SAFE,
        live=False,
        findings=(),
        finding_ids=(),
        sessions=frozenset(sessions),
    )
    try:
        with single_run(run.folder):
            file_status = read_file_status(run.home)
            require_alone(file_status)
            applied = apply_units(run, file_status, in_memory([unit]), Job(MERGE))
            assert applied.receipt is not None
            close_receipt(run, applied.receipt)
    except (HermesRepairError, OSError) as error:
        return replace(moved, stays=str(error).rstrip("."))
    if applied.refused:
        return replace(moved, stays=applied.refused[0][1].message.rstrip("."))
    return replace(moved, archived=len(sessions), receipt=applied.receipt)
