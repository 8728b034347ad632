"""A source held against a home: what of it is brought now, and what is left to its owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hermes_repair.app.merge_sources import Source
from hermes_repair.evidence.compared_copies import held_against
from hermes_repair.evidence.scene import Scene
from hermes_repair.merging.verdicts_of_chats import ChatVerdict, Comparison, Verdict
from hermes_repair.model.values import whole
from hermes_repair.model.words import count
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.table_digests import table_digests

_TO_ASK = (Verdict.REMOVED_OR_LOST, Verdict.ASK)


@dataclass(frozen=True, slots=True)
class Held:
    """A source beside a home.

    ``wanted`` is what a merge brings, parents before children: what the home never had, or the
    sessions that were named. ``left`` is what is listed and waits to be named.
    """

    source: Source
    comparison: Comparison
    wanted: tuple[ChatVerdict, ...]
    left: tuple[ChatVerdict, ...]

    def only(self, shown: Held) -> Held:
        """Return the same without what was not shown: what a source taken before it changed."""
        sessions = {one.session_id for one in shown.wanted}
        kept = tuple(one for one in self.wanted if one.session_id in sessions)
        return replace(self, wanted=kept)

    def beside(self, shown: Held) -> Held:
        """Return the same with what could be brought by now and was not shown as such: it waits."""
        sessions = {one.session_id for one in shown.wanted}
        more = tuple(one for one in self.wanted if one.session_id not in sessions)
        return replace(self, left=(*self.left, *more))


def waiting(verdicts: Mapping[str, ChatVerdict]) -> tuple[ChatVerdict, ...]:
    """Return what has something that only its owner can decide about."""
    return tuple(
        one for one in verdicts.values() if one.verdict in _TO_ASK and one.bring is not None
    )


def in_order(sources: Sequence[Source]) -> list[Source]:
    """Return sources in an order of their own: however they are named, the result is the same.

    The one with most messages comes first, of equals the one with the latest; then the content
    decides.
    """
    if len(sources) < 2:
        return list(sources)
    keyed = [(_weight(one), one) for one in sources]
    weights = [weight for weight, _ in keyed]
    return [
        one
        for _, one in sorted(
            keyed,
            key=lambda pair: (
                pair[0],
                _content(pair[1]) if weights.count(pair[0]) > 1 else "",
                pair[1].name,
            ),
        )
    ]


def _weight(source: Source) -> tuple[int, float]:
    with main_alone(source.database) as look:
        row = look.one("SELECT COUNT(*), MAX(timestamp) FROM messages NOT INDEXED")
    number, latest = row if row is not None else (0, None)
    return -whole(number), -(float(latest) if isinstance(latest, int | float) else 0.0)


def _content(source: Source) -> str:
    digests = table_digests(source.database)
    return str(sorted(digests.items()))


def hold(scene: Scene, source: Source, named: frozenset[str]) -> Held:
    """Compare a source with a home; ``named`` are the only sessions that are meant, if any are."""
    with main_alone(source.database) as look:
        comparison = held_against(scene, look, source.history, partial=source.partial, named=named)
        ids = {id for (id,) in look.rows("SELECT id FROM sessions") if isinstance(id, str)}
    verdicts = {name: one for name, one in comparison.verdicts.items() if name in ids}
    unnamed = len(comparison.source.sessions.keys() - ids)
    if unnamed:
        note = f"{count(unnamed, 'session')} with an id that is not text: nobody can name them."
        source = replace(source, notes=(*source.notes, note))
    left = () if named else waiting(verdicts)
    if left and comparison.past.holes:
        note = (
            "Messages were removed here since the two went apart, and what hermes-repair did in"
            " this source is not known: name its whole home folder, and less is in question."
        )
        source = replace(source, notes=(*source.notes, note))
    wanted = tuple(one for one in comparison.brings if one.session_id in ids)
    return Held(source, comparison, wanted, left)
