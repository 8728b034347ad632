"""What a person may choose on the command line, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hermes_repair.model.plans import Safety, Step, Unit


class Method(Enum):
    """What becomes of the siblings that are not kept (``forks --resolve``)."""

    BRANCH = "branch"
    MERGE = "merge"
    ARCHIVE = "archive"


class WalChoice(Enum):
    """What the user says about an ambiguous or stale ``-wal`` (``--wal``)."""

    USE = "use"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class ForkOptions:
    """How forks are to be resolved (``forks --resolve``), and which siblings are to be kept."""

    method: Method
    keep: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LookOptions:
    """What the user said that changes what is found. ``timezone`` is an IANA name.

    ``sessions`` narrow a report; ``named`` are asked for by name, and everything is looked at.
    ``before`` (epoch seconds): of transcripts, only those that ended before it are brought back.
    ``ahead``: what Hermes will delete within so many days is wanted as well.
    ``recall``: what an earlier look proved of what nobody wrote to since need not be read again.
    ``picture``: what chats have where is wanted as well, for a page that one can look at.
    """

    timezone: str | None = None
    release: str | None = None
    sessions: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    deep: bool = False
    before: float | None = None
    forks: ForkOptions | None = None
    recall: bool = False
    picture: bool = False
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user asked for: ids or prefixes, sessions, and whether judgements are wanted.

    ``chosen`` are steps of a plan that was shown (:attr:`Unit.step`): these and no others, with the
    judgements among them.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sessions: frozenset[str] = frozenset()
    unsafe: bool = False
    chosen: frozenset[Step] | None = None

    def wants_id(self, finding_id: str) -> bool:
        """Whether ``--select``/``--ignore`` let this id through."""
        chosen = not self.select or any(finding_id.startswith(prefix) for prefix in self.select)
        return chosen and not any(finding_id.startswith(prefix) for prefix in self.ignore)

    def ignores(self, *finding_ids: str) -> bool:
        """Whether ``--ignore`` leaves all of these out by name."""
        return all(
            any(finding_id.startswith(prefix) for prefix in self.ignore)
            for finding_id in finding_ids
        )

    def covers(self, unit: Unit) -> bool:
        """Whether a unit is of the findings and sessions that are meant."""
        if not all(self.wants_id(finding_id) for finding_id in unit.finding_ids):
            return False
        if self.chosen is not None and unit.step not in self.chosen:
            return False
        return not self.sessions or bool(self.sessions & (unit.sessions | {unit.subject}))

    def wants(self, unit: Unit) -> bool:
        """Whether a unit is to be done: SAFE, or asked for by ``--unsafe`` or by its session."""
        by_name = bool(self.sessions) or self.chosen is not None
        return self.covers(unit) and (unit.safety is Safety.SAFE or self.unsafe or by_name)
