"""Runs of ours that did not come to their end (RP001), and records that cannot be read (RP002)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import REPAIR
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import RECORDS_DIR
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.records.folder import ACKNOWLEDGED


@check("RP001", "repair-unfinished", Severity.ERROR, Remedy.SAFE, file_level=True)
def repair_unfinished(scene: Scene) -> Iterator[Finding]:
    """A run of hermes-repair was interrupted.

    What it means: a repair, migration or undo was killed, or the machine went down. Every step of
    it is either complete or not done at all; only its receipt does not say which yet.

    How it happens: kill, power cut, full disk.

    A salvage or a `vacuum` that was to replace state.db is different: state.db is the old file or
    the new one, whole, and the next command that writes gives the side files of the old one back or
    leaves the new one in place.

    What repair does: the next `repair`, `migrate` or `undo` reads from the database which steps
    were done, records that, and continues from there; `undo` can then revert those that were done.
    While Hermes runs, this waits; steps that are safe beside Hermes and concern other sessions are
    still done.

    How safe it is: closing the receipt changes nothing that belongs to Hermes.
    """
    for path, header, pending in scene.receipt_history.unfinished:
        what = "An undo" if header.closed is not None else f"A run of `{header.command}`"
        hint = advice("`{}` finishes it; `{}` reverts it.", REPAIR, command("undo"))
        if header.restored is not None:
            sentence = "`{}` records whether the copy was restored, completely or not at all."
            hint = advice(sentence, REPAIR)
        replaces = header.installed is not None
        again = replaces and (header.store is not None or scene.file.damaged)
        if again:
            begin = "`{}` gives back what it had moved, and begins again."
            hint = advice(begin, header.begins_again)
        yield repair_unfinished.finding(
            {"kind": "receipt", "receipt": path.stem},
            f"{what} was interrupted (receipt {path.stem}).",
            hint,
            remedy=Remedy.MANUAL if again else Remedy.SAFE,
            data={"command": header.command, "created": header.created, "pending": pending},
        )


@check("RP002", "record-unreadable", Severity.WARNING, Remedy.MANUAL, file_level=True)
def record_unreadable(scene: Scene) -> Iterator[Finding]:
    """A file among the records of hermes-repair cannot be read and was left out.

    What it means: a receipt is damaged, was put there by something else, or is open and was changed
    since; or the list of accepted findings is broken. All other records count. What that receipt
    did cannot be undone, what it wrote is treated as if Hermes had written it, and findings that
    you accepted are reported again.

    How it happens: the disk lost part of the file, an editor changed it, or somebody copied a file
    there.

    What repair does: nothing. Everything else works without that file.

    How safe it is: nothing is changed. Move the file away, or restore it from a copy.
    """
    for name, why in scene.receipt_history.unreadable:
        accepted = name == ACKNOWLEDGED
        hint = "Move it away, or restore it from a copy of the folder."
        if accepted:
            hint = "Fix or remove it; then findings can be accepted again."
        subject = {"kind": "receipt", "receipt": name.removesuffix(".db")}
        yield record_unreadable.finding(
            {"kind": "file", "path": f"{RECORDS_DIR}/{name}"} if accepted else subject,
            f"{name} in hermes-repair's records was left out: {why}",
            hint,
        )
