"""A file of the home that a repair writes anew: whole or not at all, and given back to the byte."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from hermes_repair.model.actions import FileCopy, FileRewrite, RowDelete
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.repair.plan_bounds import Bounds, objection
from hermes_repair.schema.structure import Structure
from tests.command import run
from tests.engine.kills import judge, pictures
from tests.homes.content import content
from tests.homes.home import new_home, receipts
from tests.homes.small import COUNTED, HEALTHY, add_session
from tests.in_process import fixed_environment, repair, undo

ENTRIES = {
    f"agent:main:telegram:dm:{number}": {
        "session_id": session,
        "created_at": "2026-06-01T10:00:00",
        "updated_at": "2026-06-01T10:00:00",
        "display_name": "Heron",
    }
    for number, session in enumerate((HEALTHY, COUNTED))
}
TORN = json.dumps(ENTRIES, indent=2)[:-40].encode()


def torn_home(root: Path, *, counted: int | None = None) -> Path:
    """Make a home of schema 14 whose file of chats is torn in its second entry."""
    with new_home(root, 14) as db:
        add_session(db, HEALTHY, [("user", "hello", 1.0), ("assistant", "good day", 1.1)])
        told = [("user", "one", 4.0), ("assistant", "two", 4.1)]
        add_session(db, COUNTED, told, counted=counted)
    routes(root).write_bytes(TORN)
    routes(root).chmod(0o640)
    return root


def routes(root: Path) -> Path:
    return root / "sessions" / "sessions.json"


def test_whole_entries_are_kept_and_undo_gives_the_bytes_back(tmp_path: Path) -> None:
    home = torn_home(tmp_path / "home")
    before = content(home)

    planned = run("repair", "--dry-run", "--json", home=home)
    assert "Heron" not in planned.out
    assert routes(home).read_bytes() == TORN

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert list(json.loads(routes(home).read_bytes())) == list(ENTRIES)[:1]
    assert routes(home).stat().st_mode & 0o777 == 0o640
    (kept,) = (home / "hermes-repair" / "sources").rglob("sessions.json.gz")
    assert gzip.decompress(kept.read_bytes()) == TORN

    assert run("undo", "--yes", home=home).code == 0
    assert routes(home).read_bytes() == TORN
    assert routes(home).stat().st_mode & 0o777 == 0o640
    assert content(home) == before
    assert [path.name for path in routes(home).parent.iterdir()] == ["sessions.json"]


def test_undo_leaves_what_hermes_wrote_since(tmp_path: Path) -> None:
    home = torn_home(tmp_path / "home", counted=9)
    before = content(home)
    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    counts, chats = (path.stem for path in receipts(home))
    routes(home).write_bytes(b"{}")

    refused = run("undo", "--yes", home=home)
    assert refused.code == 4, refused.out + refused.err
    assert "sessions.json was written after the repair" in refused.err
    assert routes(home).read_bytes() == b"{}"
    assert content(home) != before

    undone = run("undo", counts, "--yes", "--json", home=home)
    assert undone.code == 0, undone.out + undone.err
    assert (undone.document["undone"], undone.document["kept"]) == ([counts], [chats])
    assert routes(home).read_bytes() == b"{}"
    assert content(home) == before


def test_a_restore_of_the_database_leaves_the_file_to_undo(tmp_path: Path) -> None:
    home = torn_home(tmp_path / "home")
    assert run("backup", home=home).code == 0
    assert run("repair", "--yes", home=home).code == 0
    (chats,) = (path.stem for path in receipts(home) if "repair" in path.stem)
    (copy,) = run("backup", "list", "--json", home=home).document["backups"]
    restored = run("restore", copy["name"], "--yes", home=home)
    assert restored.code == 0, restored.out + restored.err
    assert routes(home).read_bytes() != TORN

    undone = run("undo", chats, "--yes", home=home)
    assert undone.code == 0, undone.out + undone.err
    assert routes(home).read_bytes() == TORN


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_at_any_moment_leaves_a_whole_file(every: int, tmp_path: Path) -> None:
    home = torn_home(tmp_path / "home")
    environment = fixed_environment(tmp_path)
    repaired = torn_home(tmp_path / "repaired")
    repair(repaired, environment)
    whole = routes(repaired).read_bytes()

    def taken_up(picture: Path) -> None:
        assert routes(picture).read_bytes() in (TORN, whole)
        repair(picture, environment)
        assert routes(picture).read_bytes() == whole
        undo(picture, environment)
        assert routes(picture).read_bytes() == TORN

    taken, _ = pictures(home, lambda: repair(home, environment), tmp_path / "repair")
    assert len({routes(picture.home).read_bytes() for picture in taken}) == 2
    judge(taken[::-every], taken_up)

    def undone(picture: Path) -> None:
        assert routes(picture).read_bytes() in (TORN, whole)
        if routes(picture).read_bytes() == whole:
            undo(picture, environment)
        assert routes(picture).read_bytes() == TORN

    taken, _ = pictures(home, lambda: undo(home, environment), tmp_path / "undo")
    judge(taken[::-every], undone)


@pytest.mark.parametrize("link", ["file", "nowhere"])
def test_a_link_is_not_written(link: str, tmp_path: Path) -> None:
    home = torn_home(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere.json"
    if link == "file":
        shutil.move(routes(home), elsewhere)
    else:
        routes(home).unlink()
    routes(home).symlink_to(elsewhere)
    run("repair", "--yes", home=home)
    assert routes(home).is_symlink()
    assert not elsewhere.exists() or elsewhere.read_bytes() == TORN


def test_a_plan_is_refused_where_the_file_moved(tmp_path: Path) -> None:
    home, plan = torn_home(tmp_path / "home"), tmp_path / "plan"
    saved = run("repair", "--dry-run", "--plan-out", plan, home=home)
    assert saved.code == 0, saved.out + saved.err
    moved = json.dumps(ENTRIES, indent=2)[:-20].encode()
    routes(home).write_bytes(moved)

    refused = run("repair", "--plan", plan, "--yes", home=home)
    assert refused.code != 0, refused.out
    assert routes(home).read_bytes() == moved

    routes(home).write_bytes(TORN)
    assert run("repair", "--plan", plan, "--yes", home=home).code == 0
    assert list(json.loads(routes(home).read_bytes())) == list(ENTRIES)[:1]


def test_a_plan_may_write_only_what_a_plan_of_now_would() -> None:
    due = FileRewrite("sessions/sessions.json", b"{", b"{}")
    bounds = Bounds(Structure({}, {}, {}, {}, {}), (), Path("/home"), (), (), rewritten={due})

    def unit(*actions: FileCopy | FileRewrite | RowDelete) -> Unit:
        return Unit("file", "sessions.json", "", actions, Safety.SAFE, False, (), ())

    assert objection(unit(due), bounds) == ""
    assert objection(unit(FileRewrite("config.yaml", b"", b"x")), bounds)
    assert objection(unit(FileRewrite(due.path, due.before, b"[]")), bounds)
    assert "beside rows" in objection(unit(due, RowDelete("sessions", {}, {})), bounds)
