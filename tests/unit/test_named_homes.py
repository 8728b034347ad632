"""Which homes of a machine are named by something, and by what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.home.installs import Surroundings
from hermes_repair.home.layout import open_home
from hermes_repair.home.named_homes import NamedHome, NamedHomes, named_homes

UNIT = "[Service]\nExecStart=/opt/venv/bin/python -m gateway.run\nEnvironment=HERMES_HOME={}\n"


def make(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "state.db").write_bytes(b"database")
    return root


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    units = tmp_path / "units"
    units.mkdir()
    return Surroundings({}, tmp_path / "user", "linux", system_units=units)


def test_all_that_names_one(around: Surroundings, tmp_path: Path) -> None:
    usual = make(tmp_path / "user" / ".hermes")
    served, shell = make(tmp_path / "served"), make(tmp_path / "shell")
    (around.system_units / "hermes-gateway.service").write_text(UNIT.format(served))
    around = replace(around, environ={"HERMES_HOME": str(shell)})
    by = {
        served: "the service hermes-gateway.service works on it",
        shell: "HERMES_HOME of this shell names it",
        usual: "Hermes looks there by itself",
    }
    for here in by:
        others = tuple(NamedHome(root, by[root]) for root in by if root != here)
        assert named_homes(open_home(here), around) == NamedHomes(by[here], others)
    copy = make(tmp_path / "copy")
    assert named_homes(open_home(copy), around).by is None


def test_one_home_by_several_names_is_one(around: Surroundings, tmp_path: Path) -> None:
    usual = make(tmp_path / "user" / ".hermes")
    work = make(usual / "profiles" / "work")
    (tmp_path / "link").symlink_to(usual)
    other = tmp_path / "other"
    other.mkdir()
    (other / "state.db").symlink_to(usual / "state.db")
    for number, root in enumerate((work, tmp_path / "link", other, tmp_path / "gone")):
        (around.system_units / f"hermes-gateway-{number}.service").write_text(UNIT.format(root))
    found = named_homes(open_home(usual), around)
    assert found == NamedHomes("the service hermes-gateway-0.service works on it")
    assert named_homes(open_home(work), around).others == (
        NamedHome(other, "the service hermes-gateway-2.service works on it"),
    )


def test_windows_has_two_usual_places(tmp_path: Path) -> None:
    new, old = make(tmp_path / "Local" / "hermes"), make(tmp_path / ".hermes")
    around = Surroundings({"LOCALAPPDATA": str(new.parent)}, tmp_path, "win32", system_units=old)
    found = named_homes(open_home(new), around)
    assert found.others == (NamedHome(old, "Hermes up to 0.15 looked there by itself"),)


def test_a_path_that_is_none(around: Surroundings, tmp_path: Path) -> None:
    usual = make(tmp_path / "user" / ".hermes")
    found = named_homes(
        open_home(usual), replace(around, environ={"HERMES_HOME": "/" + "x" * 5000})
    )
    assert found.others == ()
