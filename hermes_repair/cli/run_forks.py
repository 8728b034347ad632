"""``forks`` from options to an exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from hermes_repair.app import lineage_views as app
from hermes_repair.app.environment import Environment
from hermes_repair.cli.run_repair import Asked, at_home
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import ForkOptions, Method
from hermes_repair.model.commands_to_type import quoted
from hermes_repair.model.errors import ExitCode, Refused, UsageError
from hermes_repair.model.session_label import SessionLabel
from hermes_repair.model.words import count
from hermes_repair.report import forks_text, json_documents
from hermes_repair.report.lines import Line, as_asked, show


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of one ``forks``."""

    sessions: tuple[str, ...] = ()
    resolve: str | None = None
    keep: tuple[str, ...] = ()
    dry_run: bool = False
    yes: bool = False
    show_content: bool = False

    @property
    def wish(self) -> ForkOptions | None:
        if self.resolve is None:
            return None
        return ForkOptions(Method(self.resolve), frozenset(self.keep))

    @property
    def typed(self) -> str:
        """The words that do this after a dry run."""
        words = ["forks", *map(quoted, self.sessions), "--resolve", str(self.resolve)]
        return " ".join([*words, *(f"--keep {quoted(session)}" for session in self.keep)])


def forked(target: Target, wanted: Wanted) -> int:
    """Show the forks of every home that is meant, or resolve them."""
    if wanted.resolve is None and wanted.keep:
        raise UsageError(
            "--keep names the half of a fork to continue, so it needs --resolve.",
            "For example: hermes-repair forks SESSION --resolve branch --keep SESSION",
        )

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        # Conversation text only on a terminal, and only when asked for (R9).
        content = wanted.show_content and sys.stdout.isatty() and not target.as_json
        seen = app.see_forks(home, environment, wanted.sessions, wanted.wish, content=content)
        if wanted.wish is None:
            return ExitCode.OK, _shown(seen, home, target)
        return _resolve(seen, home, environment, wanted, target)

    return each_home(target, work)


def _shown(seen: app.Forks, home: Home, target: Target) -> dict[str, Any] | None:
    if target.as_json:
        return _document(seen, home)
    target.say([*heading(home, seen.database), *_lines(seen, home, target)])
    return None


def _document(seen: app.Forks, home: Home) -> dict[str, Any]:
    return {
        **json_documents.envelope(str(home.root), seen.database),
        "forks": [forks_text.entry(fork) for fork in seen.forks],
    }


def _lines(seen: app.Forks, home: Home, target: Target) -> list[Line]:
    if not seen.forks:
        return [Line("No conversation here is forked.", "good")]
    lines: list[Line] = []
    for fork in seen.forks:
        lines += as_asked(forks_text.lines(fork, _labels(fork, target)))
    if all(fork.outcome is None for fork in seen.forks):
        lines.append(Line(""))
        which = _first(seen.forks[0]) if len(seen.forks) == 1 else "SESSION --resolve branch"
        words = f"Next: hermes-repair forks {which} --dry-run"
        lines.append(Line(target.typed(home, words), "head"))
    return lines


def _first(seen: app.Seen) -> str:
    """Return what to type of a fork; without a proof of which half is live it has to be named."""
    fork = seen.fork
    keep = f" --keep {quoted(fork.live.suggestion)}" if fork.live.session_id is None else ""
    return f"{quoted(fork.parent_id)} --resolve branch{keep}"


def _labels(seen: app.Seen, target: Target) -> dict[str, SessionLabel]:
    nodes = [seen.parent, *(half.node for half in seen.halves)]
    return {
        node.id: SessionLabel(
            node.started_at,
            node.source,
            node.active_rows,
            node.title if target.show_titles else None,
        )
        for node in nodes
    }


def _resolve(
    seen: app.Forks, home: Home, environment: Environment, wanted: Wanted, target: Target
) -> tuple[ExitCode, dict[str, Any] | None]:
    """Resolve what can be resolved as wished; the rest is named, with exit 4."""
    possible = [fork for fork in seen.forks if fork.outcome and fork.outcome.possible]
    refused = [fork for fork in seen.forks if fork not in possible]
    if not possible:
        if refused and not target.as_json:
            show(_lines(seen, home, target), stream="stderr")
        if refused:
            raise Refused(f"Nothing was changed: {_reasons(refused)}.", _hint(refused[0]))
        return ExitCode.OK, _shown(seen, home, target)
    asked = Asked(
        dry_run=wanted.dry_run,
        yes=wanted.yes,
        select=app.IDS,
        sessions=tuple(fork.fork.parent_id for fork in possible),
        unsafe=True,
        forks=wanted.wish,
    )
    code, document = at_home(home, environment, asked, target, "forks", wanted.typed)
    if document is not None:
        document["forks"] = [forks_text.entry(fork) for fork in seen.forks]
    if refused:
        if document is None:
            show([Line(f"Not resolved: {_reasons(refused)}.", "error")])
        code = ExitCode.REFUSED
    return code, document


def _reasons(refused: list[app.Seen]) -> str:
    told = [
        f"{fork.fork.parent_id}: {fork.outcome.reason}"
        for fork in refused[:3]
        if fork.outcome is not None
    ]
    more = len(refused) - len(told)
    return "; ".join(told) + (f"; and {count(more, 'more fork')}" if more else "")


def _hint(seen: app.Seen) -> str:
    look = f"`hermes-repair forks {quoted(seen.fork.parent_id)}`"
    return f"{look} shows the halves and suggests one."
