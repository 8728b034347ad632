"""Plans and receipts keep every value to the byte, and say what they will do by a digest."""

from __future__ import annotations

import math
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import preview
from hermes_repair.app.saved_plan import apply_saved
from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
    SourceRef,
)
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import BadRecord, InUse, Refused, UsageError
from hermes_repair.model.plans import Header, Safety, Unit, UnitState
from hermes_repair.model.values import RawText, Value, row_digest, same_value
from hermes_repair.records import plan_database
from hermes_repair.store.connections import bind, open_private, placeholder
from tests.homes.content import content, files, without_sequence
from tests.homes.home import opened
from tests.homes.small import FRONT, HEALTHY, NOW, SECRET, small_home
from tests.in_process import WISHES, home_of, ids, look, repair, undo

ODD: tuple[Value, ...] = (
    None,
    "",
    b"",
    "a\0b",
    b"a\0b",
    "\x1b[31m\u202e\u2028",
    "\ufffe\U0010ffff",
    RawText(b"\xff\xfe\x00\x80"),
    RawText(b"caf\xe9"),
    b"\x00\xff" * 1000,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**53 + 1,
    0.0,
    -0.0,
    0.1,
    5e-324,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
    1.0,
    1,
    "1",
    "1.0",
    b"1",
    "NULL",
    "x" * 2_000_000,
)

HEADER = Header(
    tool_version="1",
    command="repair",
    created=NOW,
    database="/somewhere/state.db",
    base="1:2:3",
    schema=14,
)

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.binary().map(lambda data: data + b"\xff").map(RawText),
)


def unit(*actions: Action) -> Unit:
    return Unit(
        kind="session",
        subject="s",
        summary="try",
        actions=actions,
        safety=Safety.SAFE,
        live=False,
        findings=("0123",),
        finding_ids=("XX001",),
        sessions=frozenset({"s", "t"}),
    )


def same(left: Action, right: Action) -> bool:
    """Whether two actions are equal in every value's storage class and bytes."""
    if type(left) is not type(right):
        return False
    for name in left.__dataclass_fields__:
        one, two = getattr(left, name), getattr(right, name)
        if isinstance(one, dict):
            if list(one) != list(two) and set(one) != set(two):
                return False
            if not all(same_value(one[key], two[key]) for key in one):
                return False
        elif one != two:
            return False
    return True


def through_a_file(path: Path, *units: Unit) -> tuple[list[Unit], str]:
    """Write units to a plan file; return what is read back of its receipt, and the digest."""
    receipt = path.with_name("receipt.db")
    with plan_database.create(path, HEADER) as file:
        numbers = [outline.number for outline in file.append(units)]
    with plan_database.read(path) as file, plan_database.create(receipt, HEADER) as kept:
        kept.take(file, numbers, file.digest())
    with plan_database.read(path) as file, plan_database.read(receipt) as kept:
        kept.require_sealed()
        assert kept.digest() == file.digest()
        back = [record.unit for record in kept.records()], kept.digest()
    receipt.unlink()
    return back


def test_every_kind_of_action_comes_back(tmp_path: Path) -> None:
    values: dict[str, Value] = {f"c{n}": value for n, value in enumerate(ODD)}
    source = SourceRef("sessions/ÿ \x1b.jsonl", 2**40, 7, "0" * 64)
    actions: tuple[Action, ...] = (
        RowUpdate("t", {"id": "k"}, values, dict(reversed(values.items())), frozenset({"c1"})),
        RowInsert("t", {"id": RawText(b"\xff")}, values),
        RowInsert("t", {"id": 1}, {"id": 1}, source, "d" * 64, tuple(values)),
        RowDelete("t", {"a": None, "b": "", "c": b""}, values),
        RowMove("t", -5, 2**62, "e" * 64, tuple(values)),
        Ddl("CREATE TABLE x (a)", "14"),
        IndexRefill("f", ("DELETE FROM f", "INSERT INTO f SELECT 1")),
        FileCopy("sessions/a.jsonl", "a.jsonl.gz", 2**41, "f" * 64),
    )
    made = unit(*actions)
    (back,), _ = through_a_file(tmp_path / "plan.db", made)
    assert replace(back, actions=()) == replace(made, actions=())
    assert len(back.actions) == len(actions)
    for one, two in zip(actions, back.actions, strict=True):
        assert same(one, two), (one, two)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abcdef", min_size=1), VALUES, min_size=1, max_size=8))
def test_any_row_comes_back(
    tmp_path_factory: pytest.TempPathFactory, row: dict[str, Value]
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.db"
    (back,), _ = through_a_file(path, unit(RowDelete("t", {"id": 1}, row)))
    assert same(back.actions[0], RowDelete("t", {"id": 1}, row))
    kept = back.actions[0]
    assert isinstance(kept, RowDelete)
    assert row_digest(kept.before, sorted(row)) == row_digest(row, sorted(row))


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_a_value_goes_into_a_database_as_it_came(value: Value, tmp_path: Path) -> None:
    connection = open_private(tmp_path / "x.db")
    with closing(connection) as db:
        db.execute("CREATE TABLE t (v)")
        db.execute(f"INSERT INTO t VALUES ({placeholder(value)})", bind([value]))
        (found,) = db.execute("SELECT v FROM t").fetchone()
        assert same_value(found, value)
        if isinstance(value, RawText):
            assert db.execute("SELECT typeof(v) FROM t").fetchone() == ("text",)


def test_nan_is_null_to_sqlite(tmp_path: Path) -> None:
    """SQLite stores NaN as NULL, so no row can ever have one."""
    with closing(open_private(tmp_path / "x.db")) as db:
        assert db.execute("SELECT typeof(?)", (math.nan,)).fetchone() == ("null",)


def test_the_digest_is_of_what_is_done(tmp_path: Path) -> None:
    first = unit(RowDelete("t", {"id": 1}, {"v": 1}))
    digests = [
        through_a_file(tmp_path / f"{n}.db", *units)[1]
        for n, units in enumerate(
            (
                (first,),
                (first,),
                (replace(first, summary="other words"),),
                (replace(first, safety=Safety.UNSAFE),),
                (unit(RowDelete("t", {"id": 1}, {"v": 1.0})),),
                (unit(RowDelete("t", {"id": 1}, {"v": "1"})),),
                (unit(RowDelete("t", {"id": 1}, {"v": b"1"})),),
                (first, first),
                (unit(RowMove("t", 1, 2, "d", ("a", "b"))),),
                (unit(RowMove("t", 1, 2, "d", ("a", "c"))),),
            )
        )
    ]
    assert digests[0] == digests[1] == digests[2]
    assert len(set(digests[2:])) == len(digests[2:])


def test_a_draft_that_changed_is_no_receipt(tmp_path: Path) -> None:
    """What was shown is what is done: another hand in the draft ends the run before it begins."""
    draft, receipt = tmp_path / "draft.db", tmp_path / "receipt.db"
    with plan_database.create(draft, HEADER) as file:
        file.append([unit(RowDelete("t", {"id": n}, {"v": n})) for n in range(3)])
        shown = file.digest([3, 1])
    with plan_database.read(draft) as file, plan_database.create(receipt, HEADER) as kept:
        assert kept.take(file, [3, 1], shown) == [1, 2]
        assert kept.take(file, [3, 1], shown) == [3, 4]
    with plan_database.read(receipt) as kept:
        assert [record.unit.actions[0] for record in kept.records()] == 2 * [
            RowDelete("t", {"id": n}, {"v": n}) for n in (2, 0)
        ]
    with closing(sqlite3.connect(draft)) as db, db:
        db.execute("UPDATE images SET value = 7 WHERE unit = 1 AND image = 'before'")
    with plan_database.read(draft) as file, plan_database.edit(receipt) as kept:
        with pytest.raises(Refused, match=r"changed after the plan was shown"):
            kept.take(file, [3, 1], shown)
        assert len(kept.states()) == 4
        kept.require_sealed()


def test_a_plan_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "plan.db"
    through_a_file(path, unit(Ddl("SELECT 1", "1")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["plan.db"]


def test_reading_a_plan_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.db"
    through_a_file(path, unit(Ddl("SELECT 1", "1")))
    before = files(tmp_path)
    with plan_database.read(path) as file:
        assert [state for _, state in file.states()] == [UnitState.PENDING]
        file.digest()
    assert files(tmp_path) == before


def test_a_receipt_that_was_cut_off_is_read_from_a_copy(tmp_path: Path) -> None:
    """A kill in the middle of our own write leaves a journal beside the receipt."""
    path = tmp_path / "plan.db"
    through_a_file(path, unit(Ddl("SELECT 1", "1")))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size=1")
        db.execute("BEGIN")
        db.execute("UPDATE units SET state = 'done'")
        for n in range(500):
            db.execute("INSERT INTO images VALUES (9, ?, 'key', 'x', zeroblob(500))", (n,))
        half = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(half) == 2
    for name, data in half.items():
        (tmp_path / name).write_bytes(data)
    before = files(tmp_path)
    with plan_database.read(path) as file:
        assert [state for _, state in file.states()] == [UnitState.PENDING]
    assert files(tmp_path) == before


@pytest.mark.parametrize("data", [b"", b"no plan", b"SQLite format 3\0" + bytes(4080)])
def test_what_is_no_plan_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.db"
    path.write_bytes(data)
    with pytest.raises(Refused, match=r"not a plan or receipt"), plan_database.read(path):
        pass


def test_a_database_of_others_is_no_plan(home: Path) -> None:
    with (
        pytest.raises(Refused, match=r"not a plan or receipt"),
        plan_database.read(home / "state.db"),
    ):
        pass


def test_a_damaged_receipt_is_named_and_left_out(home: Path, environment: Environment) -> None:
    repair(home, environment, selection=Selection(select=("LN",)))
    repair(home, environment, selection=Selection(select=("MS",)))
    first, second = sorted((home / "hermes-repair" / "receipts").glob("*.db"))
    first.write_bytes(b"gone")
    (named,) = [found for found in look(home, environment).findings if found.id == "RP002"]
    assert named.subject["receipt"] == first.stem and first.name in named.message
    # What it brought back before is not known, so nothing comes back unasked.
    assert repair(home, environment, selection=Selection(select=("TR",))).units == 0
    assert repair(home, environment, selection=Selection(select=("TR",), unsafe=True)).units == 1
    taken = undo(home, environment)
    assert len(taken.entries) == 1 and [path for path, _ in taken.left_out] == [first]
    assert [entry.path for entry in undo(home, environment).entries] == [second]
    with pytest.raises(BadRecord, match=first.name):
        undo(home, environment, receipt="1")


# --- --plan-out and --plan ----------------------------------------------------------------------


def saved(home: Path, environment: Environment, path: Path, *select: str) -> str:
    """Save a plan as ``repair --dry-run --plan-out`` does; return the digest that it showed."""
    selection = Selection(select=select)
    return preview(
        Run(home_of(home), environment), Request(WISHES, selection), plan_out=path
    ).digest


def test_a_saved_plan_is_what_is_done(home: Path, environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "plan.db"
    before = files(home)
    digest = saved(home, environment, path)
    assert files(home) == before
    assert saved(home, environment, tmp_path / "again.db") == digest
    with plan_database.read(path) as file:
        assert file.digest() == digest
    done = apply_saved(Run(home_of(home), environment), path)
    assert done.complete and done.units == 4
    assert ids(look(home, environment)) == []
    planned = without_sequence(content(home))
    undo(home, environment)
    repair(home, environment)
    assert planned["sessions"] == content(home)["sessions"]


def test_a_part_of_a_plan_has_its_own_digest(
    home: Path, environment: Environment, tmp_path: Path
) -> None:
    whole = saved(home, environment, tmp_path / "whole.db")
    part = saved(home, environment, tmp_path / "part.db", "TR")
    assert part != whole
    with plan_database.read(tmp_path / "part.db") as file:
        assert file.digest() == part
    done = apply_saved(Run(home_of(home), environment), tmp_path / "part.db")
    assert done.units == 1
    assert "TR001" not in ids(look(home, environment)) and "LN001" in ids(look(home, environment))


@pytest.mark.parametrize("change", ["row", "restored", "touched"])
def test_a_plan_on_another_base_is_refused(
    change: str, home: Path, environment: Environment, tmp_path: Path
) -> None:
    path = tmp_path / "plan.db"
    saved(home, environment, path)
    if change == "row":
        with opened(home) as db:
            db.execute("UPDATE sessions SET title = 'later' WHERE id = ?", (HEALTHY,))
    elif change == "restored":
        data = (home / "state.db").read_bytes()
        (home / "state.db").unlink()
        (home / "state.db").write_bytes(data)
    else:
        (home / "state.db").touch()
    before = files(home, but="hermes-repair")
    with pytest.raises(Refused, match="changed after this plan"):
        apply_saved(Run(home_of(home), environment), path)
    assert files(home, but="hermes-repair") == before


def test_a_plan_of_another_home_is_refused(
    home: Path, environment: Environment, tmp_path: Path
) -> None:
    path = tmp_path / "plan.db"
    saved(home, environment, path)
    other = small_home(tmp_path / "other", 14)
    with pytest.raises(Refused, match="This plan is for"):
        apply_saved(Run(home_of(other), environment), path)


def test_a_plan_is_refused_where_its_source_changed(
    home: Path, environment: Environment, tmp_path: Path
) -> None:
    path = tmp_path / "plan.db"
    saved(home, environment, path, "TR")
    transcript = home / "sessions" / f"{FRONT}.jsonl"
    transcript.write_bytes(transcript.read_bytes().replace(b"number 0", b"number 9"))
    before = without_sequence(content(home))
    done = apply_saved(Run(home_of(home), environment), path)
    assert not done.complete
    assert any(FRONT in error.message for _, error in done.refused)
    assert without_sequence(content(home)) == before


def test_a_plan_out_file_is_not_overwritten(
    home: Path, environment: Environment, tmp_path: Path
) -> None:
    path = tmp_path / "plan.db"
    path.write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        saved(home, environment, path)
    assert path.read_text() == "mine"


def test_a_plan_waits_for_nobody(home: Path, environment: Environment, tmp_path: Path) -> None:
    """Beside an open database a plan with offline steps is refused, whole."""
    path = tmp_path / "plan.db"
    saved(home, environment, path)
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "db.execute('SELECT 1 FROM messages').fetchall(); print('ready', flush=True);"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home / "state.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with pytest.raises((InUse, Refused)):
            apply_saved(Run(home_of(home), environment), path)
    finally:
        process.communicate(b"")


def test_no_plan_or_receipt_has_a_message_in_it(
    home: Path, environment: Environment, tmp_path: Path
) -> None:
    """A message is named by file, offset, length and sha256 (R9)."""
    saved(home, environment, tmp_path / "plan.db", "TR", "LK", "MS")
    assert SECRET.encode() not in (tmp_path / "plan.db").read_bytes()
    repair(home, environment, selection=Selection(select=("TR", "LK", "MS")))
    receipt = next((home / "hermes-repair" / "receipts").glob("*.db"))
    assert SECRET.encode() not in receipt.read_bytes()
