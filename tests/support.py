"""What tests share: where the repository is, and how a real database is unpacked."""

from __future__ import annotations

import lzma
from pathlib import Path

from hermes_repair.gateway_routing import Routing

ROOT = Path(__file__).resolve().parent.parent


def unpack_fixture(shared: Path, name: str, target: Path) -> Path:
    """Write the real database ``name`` (``v13``, ``0.16.0``, ...) of ``shared`` to ``target``."""
    packed = shared / "fixtures" / "schema-history" / f"{name}.db.xz"
    target.write_bytes(lzma.decompress(packed.read_bytes()))
    return target


NO_ROUTING = Routing({}, {}, {})
