"""The databases of Hermes that lie beside state.db, as its releases make them."""

from __future__ import annotations

from functools import cache

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import read_script
from hermes_repair.schema.structure import Structure


@cache
def side_store_scripts(name: str) -> tuple[str, ...]:
    """Return what makes a database, by the name of its file, oldest release first.

    Empty for a database that is not known. The files are named after the first release with it,
    0.13.0 to 0.19.0 were looked at.
    """
    folder = catalogue_root() / "db" / "side_stores" / name.removesuffix(".db")
    scripts = sorted(folder.glob("*.sql")) if folder.is_dir() else []
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


@cache
def side_store_structures(name: str) -> tuple[Structure, ...]:
    """Return the structures that :func:`side_store_scripts` make."""
    return tuple(map(read_script, side_store_scripts(name)))
