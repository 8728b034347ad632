"""The catalogue of known damage names what is there, and every finding has its place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from hermes_repair.checks.known_damage import KnownDamage, damage_catalogue
from hermes_repair.checks.registry import all_checks
from tests.cases.case import CASES
from tests.cli.speaking import say
from tests.homes.small import small_home
from tests.readme import ARCHITECTURE, DAMAGE, architecture_page, damage_page

KINDS = damage_catalogue().kinds
IDS = {check.id for check in all_checks()}
NUMBERS = {
    "A": 7,
    "B": 10,
    "C": 9,
    "D": 9,
    "E": 15,
    "F": 10,
    "G": 9,
    "H": 8,
    "I": 7,
    "J": 6,
    "K": 6,
}
"""How many kinds each family has: none is taken out of the catalogue, only left with a reason."""


def test_every_kind_is_there() -> None:
    assert Counter(kind.id[0] for kind in KINDS) == NUMBERS
    assert [kind.id for kind in KINDS] == [
        f"{letter}{number}" for letter, count in NUMBERS.items() for number in range(1, count + 1)
    ]
    assert len(KINDS) == 96


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_kind_is_found_or_has_its_reason(kind: KnownDamage) -> None:
    assert set(kind.findings) <= IDS
    assert len(set(kind.findings)) == len(kind.findings)
    assert kind.is_found or len(kind.left) > 30
    assert all((CASES / name / "case.toml").is_file() for name in kind.cases)
    assert {name.split("_")[0] for name in kind.cases} <= set(kind.findings)
    assert not kind.left or kind.left.endswith(".")


def test_every_finding_has_its_place() -> None:
    page = DAMAGE.read_text(encoding="utf-8")
    beyond = set(re.findall(r"\b[A-Z]{2}\d{3}\b", page.partition("## Found beyond these")[2]))
    named = {id for kind in KINDS for id in kind.findings}
    assert named | beyond == IDS
    assert named & beyond == set()


def test_the_page_is_that_of_the_catalogue() -> None:
    page = DAMAGE.read_text(encoding="utf-8")
    assert damage_page(page) == page, "run `python -m tests.readme`"


def test_what_no_check_looks_for_has_its_reason_in_the_architecture() -> None:
    page = ARCHITECTURE.read_text(encoding="utf-8")
    assert architecture_page(page) == page, "run `python -m tests.readme`"
    assert all(f"- **{kind.id}** " in page for kind in damage_catalogue().unseen)


def test_doctor_says_what_no_check_looks_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(capsys, "doctor", "--json", "--home", small_home(tmp_path / "home")).document
    (told,) = (one for one in said["looked_at"]["left_out"] if one["what"] == "damage")
    unseen = [kind.id for kind in damage_catalogue().unseen]
    assert re.findall(r"\b[A-K]\d+\b", told["why"]) == unseen
    assert told["why"].startswith(f"{len(unseen)} of the 96 known kinds of damage")
