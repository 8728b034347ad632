"""``backfill --report``: every transcript file against the database, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.app.diagnose import require_readable
from hermes_repair.app.naming import require_known
from hermes_repair.app.outside import Outside, steady
from hermes_repair.app.visit import visit
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Wishes
from hermes_repair.checks.witnesses import Witness, find_witnesses
from hermes_repair.home.layout import Home
from hermes_repair.transcripts.verdicts import Comparison, Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """One comparison per file, the sessions that no file has, and what could not be read.

    ``witnesses`` are files of other kinds; of those only session logs are imported from.
    """

    comparisons: tuple[Comparison, ...]
    only_in_database: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]
    witnesses: tuple[Witness, ...] = ()

    def tally(self) -> dict[str, int]:
        """Return how many sessions there are of each kind."""
        counts: dict[str, int] = {}
        for comparison in self.comparisons:
            counts[comparison.verdict.value] = counts.get(comparison.verdict.value, 0) + 1
        if self.only_in_database:
            counts[Verdict.ONLY_IN_DATABASE.value] = len(self.only_in_database)
        return counts


def report(home: Home, world: World, wishes: Wishes) -> Report:
    """Compare; changes nothing. ``wishes.sessions`` narrows it to some sessions.

    Raises :class:`~hermes_repair.model.errors.UnknownSession` for one that nothing here has.
    """

    def look(outside: Outside) -> Report:
        with visit(home, world, wishes, check_file=False, outside=outside) as scene:
            require_readable(scene)
            require_known(scene, wishes.sessions)
            answers = scene.comparisons.answers
            return Report(
                comparisons=tuple(a.comparison for a in answers.values() if a.comparison),
                only_in_database=tuple(
                    node.id
                    for node in scene.nodes
                    if node.id not in answers
                    and (not wishes.sessions or node.id in wishes.sessions)
                ),
                witnesses=tuple(find_witnesses(scene)),
                unread=tuple((a.file.path.name, a.problem) for a in answers.values() if a.problem),
            )

    return steady(home, world, look)
