"""What tests share: where the populated databases of every schema lie, if they are here."""

from __future__ import annotations

import lzma
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def fixtures_dir() -> Path:
    """Return the folder of ``*.db.xz`` fixtures, or skip the test where they are not present."""
    shared = Path(os.environ.get("HERMES_REPAIR_SHARED", ROOT.parent / "shared"))
    folder = shared / "fixtures" / "schema-history"
    if not folder.is_dir():
        pytest.skip("the populated databases of every schema are not present on this machine")
    return folder


def unpack_fixture(name: str, target: Path) -> Path:
    """Write the fixture ``name`` (``v13``, ``0.16.0``, ...) as a database file at ``target``."""
    target.write_bytes(lzma.decompress((fixtures_dir() / f"{name}.db.xz").read_bytes()))
    return target
