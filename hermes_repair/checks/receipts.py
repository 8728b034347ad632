"""Runs of ours that did not come to their end (RP001)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity


@check("RP001", "repair-unfinished", Severity.ERROR, Remedy.SAFE)
def repair_unfinished(scene: Scene) -> Iterator[Finding]:
    """A run of hermes-repair was cut off.

    What it means: a repair, migration or undo was killed or the machine went down. Every step of it
    is whole: done, or not there at all. Only its receipt does not say which yet.

    How it happens: kill, power cut, full disk.

    What repair does: the next `repair`, `migrate` or `undo` reads from the database which steps
    were done, notes that, and goes on from there; `undo` can then take the done ones back.
    Beside a running Hermes that waits; what may run there and is about other sessions is done.

    How safe it is: the receipt is ours; nothing of Hermes' is changed by closing it.
    """
    for path, header, pending in scene.past.unfinished:
        what = "An undo" if header.closed is not None else f"A run of `{header.command}`"
        hint = "`hermes-repair repair` finishes it; `hermes-repair undo` takes it back."
        if header.restored is not None:
            hint = (
                "`hermes-repair repair` notes whether the copy was put back, whole or not at all."
            )
        yield repair_unfinished.finding(
            {"kind": "receipt", "receipt": path.stem},
            f"{what} was cut off (receipt {path.stem}).",
            hint,
            data={"command": header.command, "created": header.created, "pending": pending},
        )
