"""Makes what the documents take from the code: ``python -m tests.pages_of_docs``.

``docs/findings.md`` from what ``explain`` says, ``docs/hermes-repair.1`` from the commands and
their options, ``docs/cast.svg`` from a run on the sample home, and ``docs/report.png`` from the
page of that home where there is a browser. A test holds the first two to the code.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from hermes_repair import __version__
from hermes_repair.checks.registry import SECTIONS, all_checks
from hermes_repair.cli.commands import EXIT_STATUS, main
from hermes_repair.cli.guard import run
from sample_data.build import build
from tests.pages.chromium import browsing, find_chromium
from tests.support import ROOT, command_tree, every_command

FINDINGS = ROOT / "docs" / "findings.md"
MANUAL = ROOT / "docs" / "hermes-repair.1"
CAST = ROOT / "docs" / "cast.svg"
PICTURE = ROOT / "docs" / "report.png"
FAMILIES = {
    "CP": "Copies",
    "DB": "The file",
    "FT": "Search",
    "GW": "Routing of the gateway",
    "HK": "Upkeep",
    "LK": "Locks",
    "LN": "Lineage",
    "MS": "Messages",
    "RP": "Our own records",
    "SC": "Schema",
    "SE": "Sessions",
    "TR": "Transcript files",
}


def findings_page() -> str:
    """Return the page of every finding."""
    return "\n".join(_findings())


def _findings() -> Iterator[str]:
    yield "# Every finding"
    yield ""
    yield "Made from what `hermes-repair explain ID` says (`python -m tests.pages_of_docs`)."
    family = ""
    for check in all_checks():
        if check.id[:2] != family:
            family = check.id[:2]
            yield ""
            yield f"## {FAMILIES.get(family, family)} ({family})"
        yield ""
        yield f"### {check.id} {check.name}"
        yield ""
        live = ", also beside a live Hermes" if check.live else ""
        yield f"*{check.severity.word}, repair: {check.remedy.value}{live}*"
        for paragraph in check.text.split("\n\n"):
            yield ""
            yield _marked(" ".join(paragraph.split()))
    yield ""


def _marked(paragraph: str) -> str:
    heading, colon, rest = paragraph.partition(": ")
    return f"**{heading}.** {rest}" if colon and heading in SECTIONS else paragraph


def manual() -> str:
    """Return the manual page, in the language of man(7)."""
    return "\n".join(_manual()) + "\n"


def _manual() -> Iterator[str]:
    root = command_tree()
    yield f'.TH HERMES-REPAIR 1 "" "hermes-repair {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"hermes\\-repair \\- {_roff(_first(root.help))}"
    yield ".SH SYNOPSIS"
    yield ".B hermes\\-repair"
    yield "COMMAND [OPTIONS]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(inspect.cleandoc(main.__doc__ or "").split("\n\n")[1:])
    yield ".SH COMMANDS"
    for name, command in sorted(every_command().items()):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        words = " ".join([name, *(p.make_metavar(_context(command)) for p in arguments)])
        yield f'.SS "{_roff(words)}"'
        yield from _paragraphs((command.help or "").split("\n\n"))
        for param in command.params:
            record = _record(command, param)
            if record is not None:
                yield ".TP"
                yield f".B {_roff(record[0])}"
                yield _roff(record[1])
    yield '.SH "EXIT STATUS"'
    lines = [line.removesuffix(" ·") for line in EXIT_STATUS.strip().splitlines()[1:]]
    for line in lines[:-1]:
        code, _, meaning = line.partition(" ")
        yield ".TP"
        yield f".B {code}"
        yield _roff(meaning)
    yield ".PP"
    yield _roff(lines[-1])
    yield ".SH FINDINGS"
    for check in all_checks():
        yield ".TP"
        yield f".B {check.id} {_roff(check.name)}"
        yield _roff(f"{check.summary} ({check.severity.word}, repair: {check.remedy.value})")
    yield ".SH FILES"
    yield ".TP"
    yield ".I ~/.hermes/hermes\\-repair/"
    yield "Receipts, backups, kept sources. Without it nothing can be undone."
    yield ".SH ENVIRONMENT"
    yield ".TP"
    yield ".B HERMES_HOME"
    yield "The Hermes folder, where \\-\\-home does not name one."
    yield ".TP"
    yield ".B NO_COLOR, CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR"
    yield "Whether there is colour, where \\-\\-color does not say."


def _context(command: Any) -> Any:
    return command.context_class(command, info_name="hermes-repair")


def _record(command: Any, param: Any) -> tuple[str, str] | None:
    if param.param_type_name == "argument":
        return (param.make_metavar(_context(command)), param.help) if param.help else None
    record: tuple[str, str] | None = param.get_help_record(_context(command))
    return record


def _paragraphs(paragraphs: Sequence[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        if paragraph.strip():
            yield ".PP"
            yield _roff(" ".join(paragraph.split()))


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _roff(text: str) -> str:
    """Return text that roff prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{text}" if text[:1] in (".", "'") else text


THEME = TerminalTheme(
    (18, 22, 26),
    (232, 235, 237),
    [
        (34, 42, 49),
        (255, 143, 133),
        (95, 196, 143),
        (232, 182, 76),
        (124, 199, 218),
        (171, 147, 214),
        (74, 163, 183),
        (232, 235, 237),
    ],
)
SHOWN = (
    (["doctor"], 26),
    (["repair", "--yes"], 14),
    (["undo", "--yes"], 4),
)
"""What the cast shows, and how many lines of each."""


def cast() -> str:
    """Return what a terminal shows of a first look, a repair and its undo, as SVG."""
    width = 96
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    with tempfile.TemporaryDirectory() as folder:
        home = build("damaged", Path(folder) / "home", 1_781_946_000.0)
        for words, most in SHOWN:
            console.print(
                Text.assemble(("$ ", "dim"), (f"hermes-repair {' '.join(words)}", "bold"))
            )
            said = _said([*words, "--home", str(home), "--color", "always"])
            said = said.replace(f" --home {home}", "").replace(str(home), "~/.hermes")
            lines = Text.from_ansi(said).wrap(console, width)
            for line in lines[:most]:
                console.print(line)
            if len(lines) > most:
                console.print(Text("…", style="dim"))
            console.print()
    # rich's own frame loads a font from a server.
    frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    frame = frame.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return console.export_svg(
        title="hermes-repair", theme=THEME, code_format=frame, unique_id="cast"
    )


def picture(program: str, path: Path) -> None:
    """Write what a browser shows first of the page of the sample home."""
    with tempfile.TemporaryDirectory() as folder:
        home = build("damaged", Path(folder) / "home", 1_781_946_000.0)
        page = Path(folder) / "page.html"
        _said(["doctor", "--home", str(home), "--titles", "--html", str(page)])
        # Every word of a command to copy stands in a box of its own.
        named = f"<span>--home</span> <span>{home}</span> "
        text = page.read_text(encoding="utf-8").replace(named, "")
        text = text.replace(f" <span>--home</span> <span>{home}</span>", "")
        page.write_text(text.replace(str(home), "~/.hermes"), encoding="utf-8")
        with browsing(program, Path(folder) / "browser") as seen:
            seen.wearing(wide=1140, high=1290)
            seen.send("Emulation.setScrollbarsHidden", hidden=True)
            seen.open(page)
            seen.screenshot(path, whole=False)


def _said(words: list[str]) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        run(words)
    return out.getvalue()


if __name__ == "__main__":
    os.environ.pop("HERMES_HOME", None)
    FINDINGS.write_text(findings_page(), encoding="utf-8")
    MANUAL.write_text(manual(), encoding="utf-8")
    CAST.write_text(cast(), encoding="utf-8")
    if (program := find_chromium()) is not None:
        picture(program, PICTURE)
