"""``bundle``."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app.bug_evidence import collect
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.errors import ExitCode, Refused
from hermes_repair.model.words import count
from hermes_repair.report.bundle_files import bundle_files
from hermes_repair.report.lines import Line
from hermes_repair.report.own_files import require_place, write

commands = group()
EVER = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a bundle: equal homes give equal bundles."""


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet")
def bundle(
    target: Target,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")],
    yes: YesOption = False,
) -> int:
    """Write a zip for a bug report, without chat text and titles; shows it first."""
    require_place(file, target.roots(target.environment()), None)
    if not (yes or sys.stdin.isatty()):
        raise Refused(
            "A bundle is shown before it is written, and there is no terminal to ask on.",
            "Add --yes to write it; you can read every file in it afterwards.",
        )

    def work(responder: Responder) -> Answer:
        evidence = collect(responder.run)
        files = bundle_files(evidence, str(responder.run.environment.user_home))
        agreed = yes or ask(f"Write this to {file}?", [*responder.heading(), *_shown(files)])
        if agreed:
            write(file, _zipped(files))
        return responder.answer(
            ExitCode.OK,
            lambda: {"bundle": str(file) if agreed else None, "files": list(files)},
            lambda: _lines(file, files, written=agreed),
            database=evidence.diagnosis.database,
            headed=False,
        )

    return each_home(target, work, old_file=OldFile.IS_LEFT)


def _shown(files: Mapping[str, str]) -> Iterator[Line]:
    """Yield everything that the bundle has."""
    for name, text in files.items():
        yield Line("")
        yield Line(f"--- {name}", "head")
        yield from (Line(line, verbatim=True) for line in text.splitlines())
    yield Line("")


def _lines(file: Path, files: Mapping[str, str], *, written: bool) -> Iterator[Line]:
    if not written:
        yield Line("Nothing was written.", asked=True)
        return
    yield Line(f"Written: {file} ({count(len(files), 'file')}: {', '.join(files)}).", "good")
    yield Line("It has no text and no title of a chat; attach it to the report.", "dim")


def _zipped(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, EVER), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()
