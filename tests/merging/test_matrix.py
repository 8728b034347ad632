"""Acts of one side against acts of the other, by real releases; what is wrong is none."""

from __future__ import annotations

import pytest

from tests.merging.acts import MIGRATIONS, RELEASES, acts_of, bases_of, bases_updated
from tests.merging.play import playing
from tests.merging.table import merged, migrated_pairs, pairs

HOMES = ("turn", "undo", "delete", "rotate, turn")
UPDATED = ("turn", "rotate, turn")
SOURCES = ("turn", "undo, again", "BRANCH, turn")


@pytest.mark.parametrize("release", RELEASES)
def test_a_sample_of_acts_against_acts(release: str) -> None:
    with playing() as player:
        found = list(pairs(player, release, "two chats", HOMES, SOURCES))
    assert len(found) == len(HOMES) * len(SOURCES)
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]
    assert not [str(pair) for pair in found if pair.home.acts == "turn" and pair.answer.asked]


@pytest.mark.parametrize(
    ("release", "base", "home", "source"),
    [
        # Both wrote the chat again, which gives the same rows under the same new ids.
        ("0.19.0", "two chats", "edit", "retry"),
        # Both compacted, and the home took back what its compaction had kept.
        ("0.19.0", "two chats", "inplace, undo", "inplace, turn"),
        # The same words again, after what only one side took back.
        ("0.19.0", "two chats", "again", "undo, again"),
        # The source compacted once more, with the same summary, and took back what was left.
        ("0.18.2", "compacted", "turn", "inplace, undo"),
        # A run below a chat that the home's compression ended would be taken for what continues it.
        ("0.14.0", "young", "rotate", "delegate"),
        # A branch that no list of this release shows stays one.
        ("0.14.0", "branched", "turn", "rotate"),
        # Only copies of its parent's rows are left of it in the source.
        ("0.14.0", "branched", "delete, turn", "undo"),
        # A hidden branch, of which only the source has a chat of its own now, was named.
        ("0.14.0", "branched", "undo", "delete, turn"),
    ],
)
def test_what_was_wrong_once(release: str, base: str, home: str, source: str) -> None:
    with playing() as player:
        ours, theirs = player.bases(release, base)
        one, other = player.side(release, home, ours), player.side(release, source, theirs)
        assert one is not None
        assert other is not None
        answer = merged(player, release, base, one, other).answer
    assert not answer.wrong, answer


@pytest.mark.parametrize("way", [("0.14.0", "0.19.0"), ("0.16.0", "0.19.0")])
def test_a_sample_after_an_update_of_one_side(way: tuple[str, str]) -> None:
    with playing() as player:
        found = list(migrated_pairs(player, way, "two chats", (UPDATED, SOURCES)))
    assert len(found) == 2 * len(UPDATED) * len(SOURCES)
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]


def test_what_is_added_to_a_chat_that_a_child_is_opened_for_is_shown() -> None:
    """A branch of 0.14.0 has no mark: 0.19.0 opens it in place of the chat, updated or not."""
    with playing() as player:
        acts = ("turn", "inplace, turn"), ("BRANCH",)
        found = list(migrated_pairs(player, ("0.14.0", "0.19.0"), "two chats", acts))
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]


@pytest.mark.parametrize(
    ("way", "acts"),
    [
        # What an unmarked branch is shown in place of went on too: it shows as much as the branch
        # only together with it.
        (
            ("0.14.0", "0.19.0"),
            (("nothing", "undo", "failed_retry", "edit, undo"), ("turn, BRANCH, turn",)),
        ),
        # A child of the home's, which 0.16.0 takes by its time for what continues the chat.
        (("0.14.0", "0.16.0"), (("BRANCH", "delegate"), ("turn, rotate, turn",))),
    ],
)
def test_a_chat_of_which_another_session_is_shown_comes_whole_or_waits(
    way: tuple[str, str], acts: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    with playing() as player:
        found = list(migrated_pairs(player, way, "two chats", acts))
    assert len(found) == 2 * len(acts[0])
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "base"), [(way, base) for way in MIGRATIONS for base in bases_updated(*way)]
)
def test_every_act_after_an_update_of_one_side(way: tuple[str, str], base: str) -> None:
    old, new = way
    with playing() as player:
        found = list(migrated_pairs(player, way, base, (acts_of(new), acts_of(old))))
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]


@pytest.mark.long
@pytest.mark.parametrize(
    ("release", "base"), [(release, base) for release in RELEASES for base in bases_of(release)]
)
def test_every_act_against_every_act(release: str, base: str) -> None:
    with playing() as player:
        found = list(pairs(player, release, base, acts_of(release), acts_of(release)))
    assert not [(str(pair), pair.answer) for pair in found if pair.answer.wrong]
