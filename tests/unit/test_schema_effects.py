"""What a release will do to a database, by its number."""

from __future__ import annotations

import pytest

from hermes_repair.model.errors import UsageError
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.releases import (
    default_effects,
    effects_of,
    number_of_release,
    release_key,
    skews_of,
)
from tests.homes.database import RELEASE_OF, structured
from tests.unit.schema_support import structure_of

KINDS = {"hides", "crashes", "erases", "unread", "shows", "moves"}


def kinds(release: str, number: int) -> list[str]:
    return [f"{e.kind} {' '.join(e.findings)}".strip() for e in effects_of(release, number)]


def test_effects_are_named_by_release_and_number() -> None:
    assert kinds("0.13.0", 11) == ["crashes SE002", "crashes SC005", "shows", "shows"]
    assert "hides LN010" in kinds("0.17.0", 14)
    assert "hides LN010" not in kinds("0.17.0", 16)
    assert "erases SE002" in kinds("0.19.0", 22)
    assert "crashes SE002" not in kinds("0.19.0", 22)
    assert "crashes SC004" in kinds("0.19.0", 20)
    assert "hides SC007" in kinds("0.18.0", 16)
    assert "hides SC007" not in kinds("0.18.1", 16)
    assert "unread TR001 TR002 TR007" in kinds("0.15.0", 11)
    assert "unread TR001 TR002 TR007" not in kinds("0.14.0", 11)


def test_every_effect_can_be_read() -> None:
    for effect in default_effects():
        assert effect.kind in KINDS
        assert effect.what and not effect.what.endswith(".")
        assert release_key(effect.since)


@pytest.mark.parametrize(("number", "release"), RELEASE_OF.items())
def test_numbers_of_the_releases(number: int, release: str) -> None:
    assert number_of_release(release) == number


@pytest.mark.parametrize(
    ("release", "number"),
    [("v0.19.0", 22), ("0.19", 22), ("0.13.5", 11), ("0.18.1", 19), ("0.15.9", None),
     ("0.20.0", 25), ("9.9", None), ("0.1.0", None)],
)  # fmt: skip
def test_between_two_releases_nothing_is_guessed(release: str, number: int | None) -> None:
    assert number_of_release(release) == number


@pytest.mark.parametrize("text", ["", "latest", "1", "0.19.0; rm", "-1.2", "0.19.0rc1", "9" * 99])
def test_what_is_no_release(text: str) -> None:
    with pytest.raises(UsageError):
        effects_of(text, 13)


@pytest.mark.parametrize(
    ("name", "number", "code", "statements", "words"),
    [
        ("22", 22, 21, [], ["token counts"]),
        ("22", 22, 22, [], []),
        ("22", 22, 14, [], []),
        ("23", 23, 22, [], []),
        ("23", 23, 22, ["DROP TRIGGER messages_fts_insert"], ["damage"]),
        ("23", 23, 23, ["DROP TRIGGER messages_fts_insert"], []),
        ("25", 25, 22, [], ["prompts"]),
        ("25", 25, 22, ["CREATE TRIGGER messages_fts_cjk_insert AFTER INSERT ON messages BEGIN"
                        " SELECT 1; END"], ["tokenizer", "prompts"]),
    ],
)  # fmt: skip
def test_code_and_database_that_do_not_go_together(
    name: str, number: int, code: int, statements: list[str], words: list[str]
) -> None:
    connection = structured(name, version=number)
    for sql in statements:
        connection.execute(sql)
    found = skews_of(code, recognise(structure_of(connection)))
    assert len(found) == len(words)
    assert all(word in skew.what for word, skew in zip(words, found, strict=True))
