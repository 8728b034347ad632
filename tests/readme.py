"""Writes the README's tables from the code: ``python -m tests.readme``; a test holds them to it."""

from __future__ import annotations

from hermes_repair.checks.registry import all_checks
from tests.support import ROOT, every_command

README = ROOT / "README.md"


def findings_table() -> str:
    """Return the table of findings."""
    rows = ["| id | name | severity | repair | beside a live Hermes |", "|---|---|---|---|---|"]
    for check in all_checks():
        live = "yes" if check.live else ""
        rows.append(
            f"| {check.id} | {check.name} | {check.severity.word} | {check.remedy.value} | {live} |"
        )
    return "\n".join(rows)


def commands_table() -> str:
    """Return the table of commands, each with the first line of its help."""
    rows = ["| command | what it does |", "|---|---|"]
    for name, command in sorted(every_command().items()):
        rows.append(f"| `{name}` | {_first(command.help)} |")
    return "\n".join(rows)


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def written(text: str) -> str:
    """Return the README with both tables as the code has them."""
    for mark, table in (("commands", commands_table()), ("findings", findings_table())):
        begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
