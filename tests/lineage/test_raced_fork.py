"""A fork that the real 0.15.2 raced into, before and after each resolution, in six releases."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.homes.by_releases import Raced, raced
from tests.homes.content import rows, sound
from tests.homes.home import copy_home, query_at_rest
from tests.lineage.answers import SIX, ask, hermes_repair, shown

TITLE = "Trip"


class States:
    """The same fork as found, and after each thing that can be done with it."""

    def __init__(self, folder: Path) -> None:
        self.fork = raced(folder)
        self.folder = folder
        hermes_repair("migrate", "--to", "14", "--yes", home=self.fork.home)
        self.homes = {"found": self.fork.home}
        for name, words in (
            ("repaired", ("repair", "--yes")),
            ("branch", ("forks", "--resolve", "branch", "--yes")),
            ("merge", ("forks", "--resolve", "merge", "--yes")),
        ):
            self.homes[name] = copy_home(self.fork.home, folder / name)
            hermes_repair(*words, home=self.homes[name])
        for name in ("branch", "merge"):
            undone = copy_home(self.homes[name], folder / f"{name} undone")
            hermes_repair("undo", "--yes", home=undone)
            self.homes[f"{name} undone"] = undone
        self._answers: dict[str, Any] = {}

    def answers(self, version: str) -> Any:
        """Return what a release makes of every state; each release is asked once."""
        if version not in self._answers:
            work = self.folder / f"asked {version}"
            self._answers[version] = ask(version, self.homes, self.fork.sessions, [TITLE], work)
        return self._answers[version]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> States:
    return States(tmp_path_factory.mktemp("raced"))


def opened(answer: Any) -> str:
    """Return what opens by the title: of two halves that take it at once one may end without."""
    return str(answer["tip"][answer["titles"][TITLE]])


def merged(fork: Raced) -> list[tuple[str, str]]:
    """Return what the live half says after the merge: whole turns of the other one, by time."""
    live, other = list(fork.said[fork.live]), list(fork.said[fork.other])

    def turn(words: str) -> list[tuple[str, str]]:
        said = live if words.startswith("one") else other
        start = said.index(("user", f"ask {words}"))
        return said[start : said.index(("assistant", f"answer {words}")) + 1]

    turns = [turn(words) for words in ("two 1", "one 2", "two 3", "one 4")]
    # The first turns began at the same moment, each in its half: which one is first, the race said.
    first = [turn("one 0"), turn("two 0")]
    begun = live[: live.index(("user", "ask one 0"))]
    return begun + [message for one in first + turns for message in one]


@pytest.mark.parametrize("version", SIX)
def test_what_each_release_lists_and_resumes(version: str, states: States) -> None:
    fork, answers = states.fork, states.answers(version)
    found = answers["found"]
    assert len(shown(found)) == 1, "one half is in no list"
    for name in ("repaired", "branch"):
        answer = answers[name]
        assert shown(answer) == sorted([fork.live, fork.other]), name
        assert opened(answer) == answer["tip"][fork.parent] == fork.live, name
        assert answer["resume"][fork.other] == fork.other, name
        if version >= "0.17":
            assert answer["resume"][fork.parent] == fork.live, name
    merge = answers["merge"]
    # Releases older than the column list an archived session too; its title says what it is.
    hidden = version >= "0.16"
    assert shown(merge) == sorted([fork.live] if hidden else [fork.live, fork.other])
    assert opened(merge) == merge["tip"][fork.parent] == fork.live
    for name in ("branch undone", "merge undone"):
        assert answers[name] == found


@pytest.mark.parametrize("version", SIX)
def test_a_merge_reads_as_one_conversation(version: str, states: States) -> None:
    fork, answers = states.fork, states.answers(version)
    said = [(role, content or "") for role, content in answers["merge"]["said"][fork.live]]
    wanted = merged(fork)
    swapped = wanted[:7] + wanted[9:11] + wanted[7:9] + wanted[11:]
    assert said in (wanted, swapped)
    roles = [role for role, _ in said[4:]]
    assert not any(a == b == "user" for a, b in pairwise(roles))
    other = answers["merge"]["said"][fork.other]
    assert other == answers["found"]["said"][fork.other], "the other half keeps its rows"


def test_the_rows_of_a_merge(states: States) -> None:
    fork, home = states.fork, states.homes["merge"]
    counted = "SELECT message_count, tool_call_count FROM sessions WHERE id = ?"
    real = (
        "SELECT COUNT(*), SUM(json_array_length(COALESCE(tool_calls, '[]'))) FROM messages"
        " WHERE session_id = ?"
    )
    assert query_at_rest(home, counted, fork.live) == query_at_rest(home, real, fork.live)
    in_order = "SELECT id FROM messages WHERE session_id = ? ORDER BY"
    by_id = query_at_rest(home, f"{in_order} id", fork.live)
    by_time = query_at_rest(home, f"{in_order} timestamp, id", fork.live)
    assert by_id == by_time, "0.17.0 reads by time, every other release by id"
    pointer = (
        "SELECT archived, parent_session_id, json_extract(model_config, '$._branched_from')"
        " FROM sessions WHERE id = ?"
    )
    assert query_at_rest(home, pointer, fork.other) == [(1, None, fork.live)]
    kept = "SELECT role, content, tool_calls, timestamp FROM messages WHERE session_id = ?"
    before = set(query_at_rest(states.homes["found"], kept, fork.live))
    assert before <= set(query_at_rest(home, kept, fork.live)), (
        "rows that were there keep every value"
    )
    for name, found in states.homes.items():
        sound(found / "state.db")
        if name.endswith("undone"):
            assert rows(found / "state.db") == rows(states.homes["found"] / "state.db")


def test_what_the_doctor_says_before_and_after(states: States) -> None:
    fork = states.fork
    said = hermes_repair("doctor", "--json", home=states.homes["found"], code=1).document
    (finding,) = [f for f in said["findings"] if f["id"] == "LN002"]
    assert finding["repair"] == "safe"
    assert finding["data"]["live"] == fork.live
    assert finding["data"]["own_messages"] == {fork.live: 8, fork.other: 8}
    for name in ("repaired", "branch", "merge"):
        home = states.homes[name]
        hermes_repair("doctor", "--select", "LN002", "--fail-on", "info", home=home)
        plan = hermes_repair("repair", "--dry-run", "--json", home=home).document["plan"]
        assert plan["actions"] == []
        again = hermes_repair("forks", "--resolve", "merge", "--yes", "--json", home=home)
        assert again.document["forks"] == []


def test_three_halves_of_which_one_is_a_background_review(tmp_path: Path) -> None:
    fork = raced(tmp_path, review=True)
    review = fork.review or ""
    hermes_repair("migrate", "--to", "14", "--yes", home=fork.home)
    seen = hermes_repair("forks", "--json", home=fork.home).document["forks"]
    holds = {half["session_id"]: half["holds"] for half in seen[0]["siblings"]}
    assert holds == {fork.live: "words", fork.other: "words", review: "review"}
    assert {release["lists"] for release in seen[0]["releases"]} == {review}
    hermes_repair("repair", "--yes", home=fork.home)
    for version in ("0.16.0", "0.19.0"):
        answers = ask(
            version, {"home": fork.home}, fork.sessions, [TITLE], tmp_path / f"asked {version}"
        )
        assert shown(answers["home"]) == sorted([fork.live, fork.other])
        assert answers["home"]["titles"] == {TITLE: fork.live}
