"""Compare one transcript file with the rows of its session and say what may be done.

A wrong SAFE is worse than none: every condition that fails turns a fill into one that has to be
asked for, with the sentence that says why. Pure: sequences and facts in, a
:class:`~.verdicts.Comparison` out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hermes_repair.model.findings import Severity
from hermes_repair.transcripts import proofs
from hermes_repair.transcripts.fill import make_fill
from hermes_repair.transcripts.matching import (
    Sides,
    embed,
    has_new_summary,
    later_rows,
    match_others,
    match_some,
    missing_lines,
    was_rewritten,
)
from hermes_repair.transcripts.sequences import COMPACTED, INACTIVE, RECALLED, is_genuine
from hermes_repair.transcripts.verdicts import (
    Comparison,
    Counts,
    Doubt,
    HomeFacts,
    SessionFacts,
    Verdict,
    whole,
)


def compare(sides: Sides, session: SessionFacts | None, home: HomeFacts) -> Comparison:
    """Return how a file and the rows of its session stand to each other.

    ``session`` is the row of ``sessions``, ``None`` where there is none.
    """
    case = Case(sides, session, home, count_sides(sides))
    return case.untimed() or case.timed()


def compare_untimed(sides: Sides, session: SessionFacts | None) -> Comparison | None:
    """Return what :func:`compare` does where no time decides it, else ``None``."""
    return Case(sides, session, HomeFacts(), count_sides(sides)).untimed()


NOTHING = "The file has no message."
TOO_DIFFERENT = "The file and the database have different conversations."
COMPACTED_SINCE = (
    "The database has a compaction summary that the file lacks: the file is the conversation"
    " before it was compacted."
)


def count_sides(sides: Sides) -> Counts:
    """Return what both sides hold, before anything is matched."""
    return Counts(
        file=len(sides.lines),
        database=len(sides.spoken),
        copies=_copies(sides, {}),
        bad=len(sides.file.bad),
    )


def _copies(sides: Sides, matched: dict[int, int]) -> int:
    """Return how many genuine lines repeat others and have no row of their own."""
    return sum(
        1 for line in sides.copies if line not in matched and is_genuine(sides.file.flags[line])
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison under way."""

    sides: Sides
    session: SessionFacts | None
    home: HomeFacts
    counts: Counts

    def answer(
        self, verdict: Verdict, finding: str | None, severity: Severity, reason: str
    ) -> Comparison:
        """Return an answer without a fill."""
        session_id = self.sides.session_id
        return Comparison(session_id, verdict, finding, severity, False, reason, self.counts)

    def untimed(self) -> Comparison | None:
        """Return the answer that needs neither a clock nor anything of the rest of the home."""
        sides = self.sides
        if not sides.lines:
            return self.answer(Verdict.NOTHING_IN_FILE, None, Severity.INFO, NOTHING)
        if self.session is None:
            return None
        matched = sides.matched
        if matched is None:
            return self.answer(Verdict.DIVERGED, "TR003", Severity.WARNING, TOO_DIFFERENT)
        missing = missing_lines(sides, matched, sides.lines)
        case = self.counted(matched, missing)
        if not missing:
            return whole(sides.session_id, case.counts)
        if has_new_summary(sides) and not case.has_archive():
            return case.answer(Verdict.SUPERSEDED, "TR005", Severity.INFO, COMPACTED_SINCE)
        return None

    def timed(self) -> Comparison:
        """Return the answer where :meth:`untimed` has none."""
        if self.session is None:
            return self.without_session()
        matched = self.sides.matched or {}
        missing = missing_lines(self.sides, matched, self.sides.lines)
        return self.counted(matched, missing).classified(matched)

    def counted(self, matched: dict[int, int], missing: Sequence[int]) -> Case:
        """Return the case with what the alignment found."""
        flags = self.sides.table.flags
        counts = replace(
            self.counts,
            missing=len(missing),
            copies=_copies(self.sides, matched),
            extra=len(self.sides.spoken) - len(matched),
            inactive=sum(1 for row in matched.values() if flags[row] & INACTIVE),
            recalled=sum(
                1
                for line, row in matched.items()
                if flags[row] & RECALLED and not self.sides.file.flags[line] & RECALLED
            ),
        )
        return replace(self, counts=counts)

    def has_archive(self) -> bool:
        """Whether compaction kept what it took out (0.18.0 and later, in place)."""
        return any(flags & COMPACTED for flags in self.sides.table.flags)

    def without_session(self) -> Comparison:
        """Answer for a file whose session has no row (TR002): never SAFE, it may be deleted."""
        sides = self.sides
        doubt, matched = Doubt.NO_SESSION, {}
        if sides.rows:
            doubt, matched = Doubt.ORPHANED_ROWS, sides.matched or {}
        elif proofs.before_database(sides, self.home, sides.lines):
            doubt = Doubt.BEFORE_DATABASE
        return self.filled(Verdict.ONLY_IN_FILE, doubt, matched, len(sides.rows))

    def classified(self, matched: dict[int, int]) -> Comparison:
        """Answer for a session that lacks messages of its file.

        From 0.15.0 on nobody writes the file, so the rows that came after its end are left out of
        the comparison; they stay last.
        """
        sides = self.sides
        first_later = later_rows(sides, matched)
        later = sides.rows[first_later:]
        case = replace(self, counts=replace(self.counts, later=len(later)))
        bound = later[0] if later else len(sides.table)
        spoken = [row for row in sides.spoken if row < bound]
        if was_rewritten(sides, later, alone=not spoken):
            return case.filled(Verdict.TAIL_MISSING, Doubt.REWRITTEN, matched, first_later)
        session = _known(self.session)
        if not spoken:
            missing = missing_lines(sides, {}, sides.lines)
            doubt = proofs.all_missing(sides, session, self.home, missing, later)
            return case.filled(Verdict.ALL_MISSING, doubt, {}, first_later)
        embedded = embed(sides, spoken)
        if embedded is None:
            return case.interleaved(spoken, first_later)
        missing = missing_lines(sides, embedded, sides.lines)
        doubt = None
        if missing:
            doubt = proofs.part_missing(sides, session, self.home, embedded, missing)
        at_end = sides.lines[-1] not in embedded
        verdict = Verdict.TAIL_MISSING if at_end else Verdict.FRONT_OR_MIDDLE_MISSING
        return case.filled(verdict, doubt, embedded, first_later)

    def interleaved(self, spoken: Sequence[int], first_later: int) -> Comparison:
        """Answer where both sides have genuine messages of their own before the file's end."""
        sides = self.sides
        matched = match_some(sides, spoken) or {}
        taken = set(matched.values())
        own = {sides.table.keys[row] for row in spoken if row not in taken}
        missing = missing_lines(sides, matched, sides.lines)
        if any(sides.file.keys[line] in own for line in missing):
            return self.filled(
                Verdict.DIVERGED,
                Doubt.ORDER,
                matched,
                first_later,
                lambda line: sides.file.keys[line] not in own,
            )
        return self.filled(Verdict.UNION, Doubt.BOTH_SIDES, matched, first_later)

    def filled(
        self,
        verdict: Verdict,
        doubt: Doubt | None,
        matched: dict[int, int],
        first_later: int,
        takes: Callable[[int], bool] | None = None,
    ) -> Comparison:
        """Answer with a fill; ``doubt`` says why it is not SAFE, ``None``: it is.

        ``takes`` says which lines may be inserted, all of them by default.
        """
        sides = self.sides
        everything = match_others(sides, matched)
        compared = [line for line in range(len(sides.file)) if line not in sides.copies]
        inserted = [
            line
            for line in missing_lines(sides, everything, compared)
            if takes is None or takes(line)
        ]
        started = self.session.started_at if self.session else None
        fallback = started if started is not None else sides.file.mtime_ns / 1e9
        fill = make_fill(sides, everything, inserted, first_later, fallback)
        if doubt is None:
            doubt = _doubt_of_fill(sides, self.home, inserted, sides.rows[first_later:])
        genuine = [line for line in inserted if is_genuine(sides.file.flags[line])]
        counts = replace(self.counts, missing=len(genuine))
        return Comparison(
            session_id=sides.session_id,
            verdict=verdict,
            finding=_finding(verdict, doubt),
            severity=_severity(verdict, doubt is None),
            safe=doubt is None,
            reason=self.reason(verdict, doubt),
            counts=counts,
            fill=fill,
            doubt=doubt,
            before_database=proofs.before_database(sides, self.home, genuine),
            ended=proofs.ending(sides),
        )

    def reason(self, verdict: Verdict, doubt: Doubt | None) -> str:
        """Return the sentence for a fill."""
        if doubt is None:
            return _SAFE_REASONS[verdict]
        routed = doubt is Doubt.NO_SESSION and self.home.routed
        return doubt.sentence + (" A routing entry names it." if routed else "")


_SAFE_REASONS = {
    Verdict.FRONT_OR_MIDDLE_MISSING: (
        "Everything in the database from this time is in the file, in the same order, and nothing"
        " was ever removed from the chat."
    ),
    Verdict.TAIL_MISSING: "The last messages were lost, not undone: the rows were never rewritten.",
    Verdict.ALL_MISSING: "The messages never reached the database: nothing was removed from it.",
}


def _doubt_of_fill(
    sides: Sides, home: HomeFacts, inserted: Sequence[int], later: Sequence[int]
) -> Doubt | None:
    """Return what speaks against filling these lines, whatever the rows prove."""
    if sides.file.grew or sides.file.changed:
        return Doubt.FILE_CHANGING
    if not home.records_whole:
        return Doubt.RECORD_UNREADABLE
    brought = home.brought
    if brought is None or any(sides.file.offsets[line] in brought for line in inserted):
        return Doubt.BROUGHT_BACK
    # Under a clock that was set back between row and line, a row seems later than its own line.
    spoken = (row for row in later if is_genuine(sides.table.flags[row]))
    first = next(spoken, None)
    if first is not None and sides.table.keys[first] in sides.line_keys(inserted):
        return Doubt.NOT_OF_THEIR_TIME
    return None


def _finding(verdict: Verdict, doubt: Doubt | None) -> str:
    """Return the check whose finding a fill is: an end that was certainly lost is TR001."""
    if verdict is Verdict.TAIL_MISSING and doubt is not None:
        return "TR007"
    return {Verdict.ONLY_IN_FILE: "TR002", Verdict.DIVERGED: "TR003"}.get(verdict, "TR001")


def _severity(verdict: Verdict, safe: bool) -> Severity:
    """A proven loss is an error; what may have been undone or deleted is for information."""
    if safe:
        return Severity.ERROR
    return Severity.WARNING if verdict is Verdict.DIVERGED else Severity.INFO


def _known(session: SessionFacts | None) -> SessionFacts:
    if session is None:
        raise ValueError("the session has a row here")
    return session
