"""``merge --into-profile``: a lineage that is in the wrong profile goes to the right one.

It is merged there, looked at again, listed there as it was here, and then archived where it was:
nothing is deleted. It stays listed in both, which is said, where the schema has no archives (up to
13), and where the gateway goes on with one of the chats: no list would show what is said then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
    """Whole lineages, those of them that are not archived, and those the gateway leads to."""

    sessions: tuple[str, ...]
    listed: tuple[str, ...]
    led: tuple[str, ...]
    has_archive: bool

    @property
    def to_list(self) -> tuple[str, ...]:
        """What is to be listed there: as here, or all of it where an earlier move archived all."""
        return self.listed or self.sessions


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
    moved = Moved(merged, root, lineage.sessions)
    if merged.declined or merged.refused or merged.stopped is not None:
        return replace(moved, stays="it is not all in the other profile")
    if not lineage.has_archive:
        return replace(moved, stays=NO_ARCHIVE)
    with _at(root) as home:
        there = Run(home, run.environment)
        hidden = _archived(there, _names_there(merged, lineage.to_list))
        listed = _set_archived(there, hidden, 0, f"list {count(len(hidden), 'session')} again")
    if listed.why:
        return replace(moved, stays=listed.why)
    if lineage.led:
        why = f"the gateway goes on with {lineage.led[0]} here, and no list would show that"
        return replace(moved, stays=why)
    gone = f"archive {count(len(lineage.listed), 'session')} that went to {profile}"
    done = _set_archived(run, lineage.listed, 1, gone)
    archived = 0 if done.why else len(lineage.listed)
    return replace(moved, archived=archived, receipt=done.receipt, stays=done.why)


def _names_there(merged: Merged, sessions: Collection[str]) -> Iterator[str]:
    """Yield what these sessions are called in the other profile."""
    [held] = merged.preview.held
    for name in sessions:
        one = held.comparison.verdicts.get(name)
        brought = one.bring if one is not None and name in held.comparison.accepted else None
        if brought is not None:
            yield brought.into
        else:
            yield (one.at_home if one is not None else None) or name


def _archived(run: Run, sessions: Iterable[str]) -> tuple[str, ...]:
    """Return those of some sessions that are archived in a home."""
    names = tuple(sessions)

    def ask(scene: Scene) -> tuple[str, ...]:
        return tuple(name for name in names if name in scene.node and scene.node[name].archived)

    return ask_scene(run, ask)


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
            tuple(sorted(scene.routing.live_ids & whole.keys())),
            "archived" in scene.look.columns("sessions"),
        )

    return ask_scene(run, ask)


@dataclass(frozen=True, slots=True)
class _Set:
    """The receipt of a change, and why it was not made, empty where it was."""

    receipt: Path | None = None
    why: str = ""


def _set_archived(run: Run, sessions: Sequence[str], archived: int, summary: str) -> _Set:
    """Archive sessions of a home, or list them again."""
    if not sessions:
        return _Set()
    unit = Unit(
        kind=MERGE,
        subject=sessions[0],
        summary=summary,
        actions=tuple(
            RowUpdate("sessions", {"id": name}, {"archived": 1 - archived}, {"archived": archived})
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
        return _Set(why=str(error).rstrip("."))
    if applied.refused:
        return _Set(why=applied.refused[0][1].message.rstrip("."))
    return _Set(applied.receipt)
