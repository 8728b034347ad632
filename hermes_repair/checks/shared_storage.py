"""DB011: a WAL database where other machines, or a program that copies it, may write too."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.evidence.scene import Scene
from hermes_repair.host import filesystem
from hermes_repair.host.regular_files import real_path
from hermes_repair.host.synced_folders import synced_by
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity

_OF_ONE_MACHINE = frozenset({"unknown", "fuseblk"})
"""Kinds of which nothing is known, and disks of one machine that a program of the user's reads."""


@check("DB011", "wal-on-shared-storage", Severity.WARNING, Remedy.MANUAL, file_level=True)
def wal_on_shared_storage(scene: Scene) -> Iterator[Finding]:
    """The database is in WAL mode where more than this machine may write to it.

    What it means: SQLite keeps the state of a WAL in memory that the programs of one machine share.
    A second machine, or a program that copies the files one after the other, does not see it: the
    database is damaged, or goes back to an earlier state with newer chats gone.

    How it happens: the home lies on a network drive, on a folder that a virtual machine or a
    container shares with its host, or in a folder that Syncthing, Dropbox or the like copies
    (Hermes #22032, #89293, #110848, #111904). Where such a drive refuses a WAL, Hermes does without
    one by itself, and this is not said.

    What repair does: nothing: where the home lies is yours to decide. Nothing is written on a
    network drive at all, because nobody can tell there who has the database open.

    How safe it is: nothing is changed. That a folder is copied is told by the names in it. The
    layer of a container that only its own programs use is no shared storage, but goes with the
    container.
    """
    if not scene.wal_mode:
        return
    place = real_path(scene.home.database)
    kind = filesystem(place)
    synced = synced_by(place.parent)
    if not kind.local and kind.kind not in _OF_ONE_MACHINE:
        where = f"on a filesystem of type {kind.kind}, which other machines may write to"
        data = {"filesystem": kind.kind, "synced_by": None}
    elif synced is not None:
        program, folder = synced
        where = f"in a folder that {program} seems to copy ({folder})"
        data = {"filesystem": kind.kind, "synced_by": program}
    else:
        return
    yield wal_on_shared_storage.finding(
        dict(DATABASE),
        f"state.db is in WAL mode {where}: that damages it sooner or later.",
        advice(
            "Stop Hermes, make a copy with `{}`, and keep the home on a disk of this machine.",
            command("backup"),
        ),
        data=data,
        identity=(data["filesystem"], data["synced_by"]),
    )
