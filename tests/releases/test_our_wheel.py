"""The data files are found in a wheel as in a checkout (``catalogue_root``)."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT

ASK = """
from hermes_repair.program_texts import default_harness
from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.releases import default_effects
from hermes_repair.schema.releases import default_skews
print(catalogue_root(), len(default_catalogue().steps), len(default_effects()),
      len(default_skews()), len(default_harness().texts))
"""


def asked(place: Path) -> list[str]:
    """Return what the package that lies in ``place`` says of its data."""
    found = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r})\n{ASK}"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return found.stdout.split()


@pytest.mark.releases
def test_a_wheel_has_all_the_data_of_the_checkout(tmp_path: Path) -> None:
    """Built as pip builds it, which asks the package index for hatchling."""
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0 and not os.environ.get("CI"):
        pytest.skip(f"no wheel could be built here: {built.stderr.strip().splitlines()[-1:]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("hermes_repair-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    data = {str(path.relative_to(ROOT)) for path in (ROOT / "schema").rglob("*") if path.is_file()}
    assert {name.replace("schema/", "hermes_repair/_schema/", 1) for name in data} <= names
    assert not any(name.startswith(("tests/", "benchmarks/", "sample_data/")) for name in names)
    in_wheel, in_checkout = asked(tmp_path / "site"), asked(ROOT)
    assert in_wheel[0] == str(tmp_path / "site" / "hermes_repair" / "_schema")
    assert in_checkout[0] == str(ROOT / "schema")
    assert in_wheel[1:] == in_checkout[1:]
