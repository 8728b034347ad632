"""DB010: the conversations of this home are kept in another database than state.db."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.hermes_config import database_backend
from hermes_repair.home.installs import Installed, serving
from hermes_repair.model.findings import Finding, Remedy, Severity

_SQLITE = ("sqlite", "sqlite3")
_SQLITE_ONLY = 22
"""The schema of 0.19.0, the last release that was tried: it knows nothing but SQLite."""


HINT = "If that is not so, take database.backend out of config.yaml."


def other_backend(root: Path, installed: Sequence[Installed]) -> str | None:
    """Return what keeps the conversations of a home, None where it is state.db."""
    backend = database_backend(root)
    if backend is None or backend.lower() in _SQLITE:
        return None
    known = serving(installed)
    old = known is not None and known.number is not None and known.number <= _SQLITE_ONLY
    return None if old else backend


def kept_in(backend: str) -> str:
    """Return the sentence that says where the conversations are."""
    return (
        f"config.yaml keeps the conversations in {backend!r}, not in state.db: nothing here is"
        " what Hermes reads."
    )


@check("DB010", "database-elsewhere", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_elsewhere(scene: Scene) -> Iterator[Finding]:
    """The config says that Hermes keeps its conversations in another database than SQLite.

    What it means: `state.db` is what was left when Hermes moved on. What is wrong with it is wrong
    with nothing that Hermes reads, and what is repaired in it no chat sees.

    How it happens: `database.backend` in `config.yaml` names another database. Hermes up to 0.19.0
    does not know that setting, and where such a Hermes is installed this is not said.

    What repair does: nothing. No command writes to such a file, says what is to be repaired in it,
    or backs it up as if it were the chats. Those that look (`find`, `copies`, `forks`, `tree`,
    `locks list`, `salvage`) say first that it is the old file.

    How safe it is: nothing is changed.
    """
    backend = other_backend(scene.home.root, scene.installed)
    if backend is not None:
        yield database_elsewhere.finding(
            dict(DATABASE),
            kept_in(backend),
            HINT,
            data={"backend": backend},
            identity=(backend,),
        )
