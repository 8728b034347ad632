"""What each way of treating a fork does in six releases: the measured table, with our default.

A fork as 0.15.2 leaves it: parent P, the live L, the other O, which started later but has the
earlier last message. Every option is applied to a copy; six releases then list and resume it.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.lineage.fork_resolution import archive, archive_merged, branch
from hermes_repair.lineage.release_rules import RULES, compression_tip, picker, resume_target
from hermes_repair.model.plans import Safety
from tests.homes.by_releases import CONTINUED, PLAIN, REVIEWED, T, build_fork
from tests.homes.home import execute_all
from tests.releases import run_release
from tests.releases.forks import read_fork, read_graph, routes_to, write

SIX = ("0.13.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0")

ASK = """
import json, pathlib, sys
from hermes_state import SessionDB
answers = {}
for option in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    db = SessionDB(option / "state.db")
    later = option / "later.sql"
    if later.exists():
        db._conn.execute(later.read_text())
        db._conn.commit()
    answers[option.name] = {
        "list": [[line.get("_lineage_root_id") or line["id"], line["id"]]
                 for line in db.list_sessions_rich(limit=1000)],
        "tip": db.get_compression_tip("P"),
        "resume": {sid: db.resolve_resume_session_id(sid) for sid in ("P", "L", "O")},
        "title": db.resolve_session_by_title("Trip"),
    }
    db.close()
print(json.dumps(answers))
"""

MARK = "UPDATE sessions SET model_config = json_set(COALESCE(model_config, '{}'), '$.%s', '%s') "
OPTIONS: dict[str, tuple[str, ...]] = {
    "A": (),
    "B": (MARK % ("_branched_from", "P") + "WHERE id = 'O'",),
    "B2": (
        MARK % ("_branched_from", "P") + "WHERE id = 'O'",
        f"UPDATE sessions SET started_at = {T - 5} WHERE id = 'O'",
    ),
    "C": ("UPDATE sessions SET parent_session_id = NULL WHERE id = 'O'",),
    "C2": (
        MARK % ("_branched_from", "P") + "WHERE id = 'O'",
        "UPDATE sessions SET parent_session_id = NULL WHERE id = 'O'",
    ),
    "D": (
        f"UPDATE sessions SET ended_at = {T + 99}, end_reason = 'orphaned_compression' "
        "WHERE id = 'O'",
    ),
    "E": (),  # archived = 1 once the release has added the column
    "F": (MARK % ("_delegate_from", "P") + "WHERE id = 'O'",),
    "G": (
        MARK % ("_branched_from", "L") + "WHERE id = 'O'",
        "UPDATE sessions SET parent_session_id = 'L' WHERE id = 'O'",
    ),
}
BOTH = (["L", "O"], "L")
TABLE: dict[str, dict[str, tuple[list[str], str]]] = {
    "A": {"0.13": (["O"], "O"), "0.18": (["L"], "L")},
    "B": {"0.13": (["O"], "O"), "0.16": (["O", "O"], "O"), "0.18": BOTH},
    "B2": {"0.13": (["L"], "L"), "0.16": BOTH},
    "C": {"0.13": BOTH},
    "C2": {"0.13": BOTH},
    "D": {"0.13": (["O"], "O"), "0.18": (["L"], "L")},
    "E": {"0.16": (["O"], "O"), "0.18": (["L"], "L")},
    "F": {"0.13": (["O"], "O"), "0.18": (["L"], "L")},
    "G": {"0.13": (["L"], "L"), "0.16": BOTH},
    "ours": {"0.13": BOTH},
}
"""Option -> first release of a group -> what its list shows, and the tip of P."""


def expected(option: str, version: str) -> tuple[list[str], str] | None:
    """Return the line of the table that holds for a release."""
    groups = [first for first in TABLE[option] if first <= version[:4]]
    return TABLE[option][max(groups)] if groups else None


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the fork once, with every option beside it."""
    folder = tmp_path_factory.mktemp("fork")
    build_fork(folder / "base", PLAIN)
    for option, statements in OPTIONS.items():
        home = folder / "options" / option
        shutil.copytree(folder / "base", home)
        execute_all(home, *statements)
    (folder / "options" / "E" / "later.sql").write_text(
        "UPDATE sessions SET archived = 1 WHERE id = 'O'"
    )
    ours = folder / "options" / "ours" / "state.db"
    shutil.copytree(folder / "base", ours.parent)
    basis, fork = read_fork(ours, routes_to("L"))
    resolved = branch(basis, fork, "L")
    assert resolved.safety is Safety.SAFE
    assert [change.session_id for change in resolved.changes] == ["O"]
    write(ours, resolved)
    return folder


@cache
def ask(version: str, options: Path, work: Path) -> dict[str, Any]:
    """Let a release open a copy of every option and say what it lists and resumes."""
    shutil.copytree(options, work)
    if version < "0.16":
        shutil.rmtree(work / "E", ignore_errors=True)
    answer: dict[str, Any] = json.loads(run_release(version, ASK, work.parent, str(work)))
    return answer


@pytest.mark.parametrize("version", SIX)
def test_the_table(version: str, forked: Path) -> None:
    work = forked / f"table-{version}"
    answers = ask(version, forked / "options", work)
    assert len(answers) == len(TABLE) - (version < "0.16")
    for option, answer in answers.items():
        shown = sorted(session_id for _, session_id in answer["list"])
        assert (shown, answer["tip"]) == expected(option, version), option
        # What we say of a release is what it does, also for the shapes that mislead it.
        graph = read_graph(work / option / "state.db")
        rules = RULES[version]
        assert [[line.root, line.shown] for line in picker(graph, rules)] == answer["list"], option
        assert compression_tip(graph, "P", rules) == answer["tip"], option
        for session_id, target in answer["resume"].items():
            assert resume_target(graph, session_id, rules) == target, option


@pytest.mark.parametrize("version", SIX)
def test_the_title_of_the_conversation_opens_the_live_one(version: str, forked: Path) -> None:
    answers = ask(version, forked / "options", forked / f"table-{version}")
    assert answers["A"]["title"] == "O"  # what a repair that kept the title would leave
    assert answers["ours"]["title"] == "L"
    assert answers["ours"]["resume"]["O"] == "O"
    if version >= "0.17":
        assert answers["ours"]["resume"]["P"] == "L"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a fork with four siblings: live, continued, review and empty; as found and repaired."""
    folder = tmp_path_factory.mktemp("crowd")
    build_fork(folder / "options" / "found", PLAIN + CONTINUED + REVIEWED)
    ours = folder / "options" / "ours" / "state.db"
    shutil.copytree(folder / "options" / "found", ours.parent)
    basis, fork = read_fork(ours, routes_to("L"))
    write(ours, branch(basis, fork, "L"))
    return folder


@pytest.mark.parametrize("version", SIX)
def test_a_fork_of_four_keeps_all_that_is_a_persons(version: str, crowded: Path) -> None:
    answers = ask(version, crowded / "options", crowded / version)
    assert "L" not in {shown for _, shown in answers["found"]["list"]}
    ours = answers["ours"]
    lines = sorted((root, shown) for root, shown in ours["list"])
    # Schema 13 has no column to hide a review with: its title says what it is.
    assert lines == [("E", "E"), ("O", "O2"), ("P", "L"), ("R", "R")]
    assert ours["tip"] == ours["title"] == "L"


@pytest.mark.parametrize("version", ["0.16.0", "0.17.0", "0.18.2", "0.19.0"])
def test_from_schema_14_on_a_merged_sibling_and_a_review_are_out_of_the_list(
    version: str, tmp_path: Path
) -> None:
    options = tmp_path / "options"
    build_fork(options / "merged", PLAIN, "0.16.0")
    build_fork(options / "review", REVIEWED, "0.16.0")
    merged = options / "merged" / "state.db"
    basis, fork = read_fork(merged, routes_to("L"))
    write(merged, archive_merged(basis, fork, "L", {"O"}))
    review = options / "review" / "state.db"
    basis, fork = read_fork(review, routes_to("L"))
    write(review, archive(basis, fork, "L"))
    answers = ask(version, options, tmp_path / version)
    for option in ("merged", "review"):
        assert answers[option]["list"] == [["P", "L"]]
        assert answers[option]["title"] == "L"
