"""Every schema of Hermes Agent's state.db: recognise it, compare it, take it to a later number.

Pure: this room reads its own data files and the values it is given; only ``store`` opens SQLite.
"""

from __future__ import annotations

from pathlib import Path


def catalogue_root() -> Path:
    """Return the folder ``schema/`` of this install: inside the wheel, else beside the checkout.

    Raises ``FileNotFoundError`` where neither is there, which means a broken install.
    """
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "_schema", package.parent / "schema"):
        if (candidate / "db").is_dir():
            return candidate
    raise FileNotFoundError(f"the schema files of hermes-repair are missing beside {package}")
