"""``backfill --report``: every transcript file against the database, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.app.environment import Run
from hermes_repair.app.open_scene import ask_scene, require_known, require_readable
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile, find_auxiliary_files
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.choices import LookOptions
from hermes_repair.transcripts.verdicts import Comparison, Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """One comparison per file, the sessions that no file has, and what could not be read.

    ``auxiliary_files`` are files of other kinds; of those only session logs are imported from.
    """

    comparisons: tuple[Comparison, ...]
    only_in_database: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]
    auxiliary_files: tuple[AuxiliaryFile, ...] = ()

    def tally(self) -> dict[str, int]:
        """Return how many sessions there are of each kind."""
        counts: dict[str, int] = {}
        for comparison in self.comparisons:
            counts[comparison.verdict.value] = counts.get(comparison.verdict.value, 0) + 1
        if self.only_in_database:
            counts[Verdict.ONLY_IN_DATABASE.value] = len(self.only_in_database)
        return counts


def report(run: Run, look_options: LookOptions) -> Report:
    """Compare; changes nothing. ``look_options.sessions`` narrows it to some sessions.

    Raises :class:`~hermes_repair.model.errors.UnknownSession` for one that nothing here has.
    """

    def look(scene: Scene) -> Report:
        require_readable(scene)
        require_known(scene, look_options.sessions)
        answers = scene.comparisons.answers
        return Report(
            comparisons=tuple(a.comparison for a in answers.values() if a.comparison),
            only_in_database=tuple(
                node.id
                for node in scene.nodes
                if node.id not in answers
                and (not look_options.sessions or node.id in look_options.sessions)
            ),
            auxiliary_files=tuple(find_auxiliary_files(scene)),
            unread=tuple((a.file.path.name, a.problem) for a in answers.values() if a.problem),
        )

    return ask_scene(run, look, look_options)
