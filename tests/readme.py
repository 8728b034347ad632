"""Writes the tables of the README and of docs/DAMAGE.md from the code: ``python -m tests.readme``.

Tests hold both to it.
"""

from __future__ import annotations

from hermes_repair.checks.known_damage import KnownDamage, damage_catalogue
from hermes_repair.checks.registry import Check, all_checks
from tests.cases.case import CASES
from tests.support import ROOT, every_command

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"
DAMAGE = ROOT / "docs" / "DAMAGE.md"


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
        text = _put(text, mark, table)
    return text


def _put(text: str, mark: str, table: str) -> str:
    begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"


def damage_page(text: str) -> str:
    """Return the page of known damage with its table as the catalogue has it."""
    return _put(text, "damage", damage_table())


def architecture_page(text: str) -> str:
    """Return the page on the architecture with the kinds of damage that no check looks for."""
    rows = [f"- **{kind.id}** {kind.what}: {kind.left}" for kind in damage_catalogue().unseen]
    return _put(text, "left out", "\n".join(rows))


def damage_table() -> str:
    """Return every known kind of damage: what says it, who mends that, and a case of each."""
    checks = {check.id: check for check in all_checks()}
    catalogue = damage_catalogue()
    head = [
        "| kind | damage | finding | repair | a case | what is left, and why |",
        "|" + "---|" * 6,
    ]
    rows = []
    for letter, family in catalogue.families.items():
        rows.append(f"\n### {letter}. {family}\n")
        rows += head
        rows += [_damage(kind, checks) for kind in catalogue.kinds if kind.id[0] == letter]
    return "\n".join(rows).lstrip()


def _damage(kind: KnownDamage, checks: dict[str, Check]) -> str:
    found = ", ".join(kind.findings)
    mended = ", ".join(dict.fromkeys(checks[id].remedy.value for id in kind.findings))
    shown = ", ".join(f"`{name}`" for name in kind.cases or map(_case_of, kind.findings))
    return f"| {kind.id} | {kind.what} | {found} | {mended} | {shown} | {kind.left} |"


def _case_of(id: str) -> str:
    """Return the first case folder in which a finding fires."""
    cases = (path.name for path in sorted(CASES.glob(f"{id}_*")))
    return next(name for name in cases if not name.endswith("_silent"))


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    ARCHITECTURE.write_text(
        architecture_page(ARCHITECTURE.read_text(encoding="utf-8")), encoding="utf-8"
    )
    DAMAGE.write_text(damage_page(DAMAGE.read_text(encoding="utf-8")), encoding="utf-8")
