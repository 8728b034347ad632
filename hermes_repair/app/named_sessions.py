"""Session ids that a command line names: one that nothing here has is a typing error."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from hermes_repair.app.file_status import folder_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import UnknownSession
from hermes_repair.model.plans import Outline
from hermes_repair.records import plan_database
from hermes_repair.transcripts.listing import list_sessions


def require_known(scene: Scene, named: Collection[str], planned: Iterable[Outline] = ()) -> None:
    """Raise :class:`UnknownSession` for an id that no row, file, plan or receipt of a home has.

    A chat may be there without a row of its own: as a transcript or log, as messages or a lock that
    its row left behind, as what an earlier run of ours took away.
    """
    unknown = set(named) - scene.node.keys()
    for outline in planned:
        unknown -= outline.unit.sessions | {outline.unit.subject}
    if unknown:
        unknown -= scene.locked.union(_of_files(scene.home))
        unknown = {session for session in unknown if not _has_messages(scene, session)}
    if unknown:
        unknown.difference_update(_of_receipts(scene.home))
    if unknown:
        raise UnknownSession(
            f"There is no session {min(unknown)!r} here: no row, file or receipt has that id.",
            advice(
                "`{}` lists sessions with findings, `{}` those with these words.",
                command("doctor"),
                command("find", "WORDS"),
            ),
        )


def _of_files(home: Home) -> Iterator[str]:
    for folder in {home.sessions_dir, home.logs_dir}:
        for file in list_sessions(folder).files:
            if file.session_id is not None:
                yield file.session_id


def _has_messages(scene: Scene, session: str) -> bool:
    found = scene.look.one("SELECT 1 FROM messages WHERE session_id = ? LIMIT 1", [session])
    return found is not None


def _of_receipts(home: Home) -> Iterator[str]:
    paths = folder_of(home).receipt_paths()
    for _, named in plan_database.read_each(paths, lambda r: r.sessions() | r.subjects()):
        yield from named
