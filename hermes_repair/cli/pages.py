"""``--html FILE``: the page beside what a command prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.cli.target import Responder, Target
from hermes_repair.model.errors import UsageError
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line, show
from hermes_repair.report.own_files import require_place, write


class Page:
    """The page that a command was asked for, if it was.

    Raises :class:`UsageError` for ``titles`` without a page, and what
    :func:`hermes_repair.report.own_files.require_place` raises: before anything is looked at.
    """

    def __init__(self, target: Target, path: Path | None, *, titles: bool) -> None:
        self._target, self._path, self._titles = target, path, titles
        self.looks: list[tuple[Diagnosis, Audience]] = []
        if path is None:
            if titles:
                raise UsageError("--titles is about the page of --html.", "Add --html FILE.")
            return
        from hermes_repair.report import html_page  # the template engine, which few runs need

        require_place(path, target.roots(target.environment()), html_page.MARK)

    def add(self, responder: Responder, diagnosis: Diagnosis) -> None:
        """Keep what was found in one home for the page, where there is one."""
        if self._path is not None:
            self.looks.append((diagnosis, self.audience(responder)))

    def audience(self, responder: Responder) -> Audience:
        """Return who reads the page: it may be passed on, so titles only where they are wanted."""
        return replace(responder.audience, titles=self._titles)

    def write(self, page: Callable[[float], str]) -> None:
        """Write what ``page`` makes at a time (epoch seconds), and say where."""
        if self._path is None:
            return
        write(self._path, page(self._target.environment().now()))
        if not self._target.as_json:
            show([Line(f"The page is in {self._path}; a browser opens it.", "good")])
