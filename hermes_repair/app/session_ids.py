"""Ids of sessions as people type them: the beginning of one, and what a shell offers for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hermes_repair.app.environment import Run
from hermes_repair.app.open_scene import ask_scene, readable, require_known
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.errors import HermesRepairError, UnknownSession, UsageError
from hermes_repair.model.values import text
from hermes_repair.model.words import SessionLabel, count
from hermes_repair.transcripts.session_files import list_sessions

SHORTEST = 4  # characters by which a session may be named
NAMED = 3  # ids that are told of those that one beginning means
OFFERED = 200  # ids that a shell is given at most


def whole_ids(run: Run, named: Collection[str]) -> frozenset[str]:
    """Return the ids that are meant: what is none and begins one id alone is that id.

    An id that anything here has is always itself. Raises :class:`UsageError` for the beginning of
    several; what begins none stays as it is, and so does everything where nothing can be read.
    """
    if not named:
        return frozenset()
    try:
        return ask_scene(run, lambda scene: frozenset(_whole(scene, name) for name in named))
    except UsageError:
        raise
    except HermesRepairError:
        return frozenset(named)


def _whole(scene: Scene, name: str) -> str:
    if not readable(scene) or len(name) < SHORTEST:
        return name
    try:
        require_known(scene, [name])
    except UnknownSession:
        meant = sorted({id for id in _known(scene) if id.startswith(name)})
        if len(meant) > 1:
            first = ", ".join(meant[:NAMED])
            more = f" and {count(len(meant) - NAMED, 'other')}" if len(meant) > NAMED else ""
            raise UsageError(
                f"{name!r} is the beginning of several sessions: {first}{more}.",
                "Type more of the id.",
            ) from None
        return meant[0] if meant else name
    return name


def offered(run: Run, begun: str) -> list[tuple[str, str]]:
    """Return ids that begin so, those of the database each with when and where it was (no title).

    Empty where nothing can be read, for nobody is there to be told. Ids that a shell would not take
    back as one word are left out.
    """

    def look(scene: Scene) -> list[tuple[str, str]]:
        if not readable(scene):
            return []
        known = {
            node.id: SessionLabel(node.started_at, node.source, node.active_rows).words()
            for node in scene.nodes
        }
        words = {id: known.get(id, "only in a file") for id in _known(scene)}
        fit = (id for id in words if id.startswith(begun) and id.isprintable() and " " not in id)
        return [(id, words[id]) for id in sorted(fit)[:OFFERED]]

    try:
        return ask_scene(run, look)
    except (HermesRepairError, OSError):
        return []


def _known(scene: Scene) -> Iterator[str]:
    """Yield the ids of sessions that have a row or a file."""
    for (id,) in scene.look.scan("id", "sessions"):
        if (known := text(id)) is not None:
            yield known
    for folder in {scene.home.sessions_dir, scene.home.logs_dir}:
        yield from (file.session_id for file in list_sessions(folder).files if file.session_id)
