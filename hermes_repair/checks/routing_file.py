"""GW002: the file that says which chat of the gateway leads to which session."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import FileFaults, Source, file_faults
from hermes_repair.home.layout import routing_file, routing_place
from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import verb


@check("GW002", "routing-file-unusable", Severity.ERROR, Remedy.MANUAL)
def routing_file_unusable(scene: Scene) -> Iterator[Finding]:
    """The gateway cannot use `sessions.json`, its file of which chat leads to which session.

    What it means: releases up to 0.17 know a chat by this file alone: what they cannot read there
    starts an empty chat at its next message, and the file is written over without it. From 0.18.0
    on the database knows the chats too, so only those are lost that its rows do not name. Where a
    folder lies in its place, every release fails on every message.

    How it happens: a full disk or a power cut while it was written, an edit by hand, or a volume
    mounted where the file was (Hermes #20098, #46994, #47023).

    What repair does: nothing. Keep a copy of the file before the gateway starts. Hermes 0.16.0 and
    later lead a chat back to its session when you send `/resume` and the id there.

    How safe it is: nothing is changed.
    """
    place = routing_place(scene.home)
    subject = {"kind": "file", "path": place.name}
    if place.is_dir():
        yield routing_file_unusable.finding(
            subject,
            "sessions.json is a folder: the gateway fails on every message of every chat.",
            "Stop the gateway and move that folder away. The gateway makes the file anew.",
            identity=("folder",),
        )
        return
    data = routing_file(scene.home)
    faults = file_faults(data) if data is not None else FileFaults(readable=True)
    if not faults.readable:
        message = "sessions.json cannot be read: it is torn, or no JSON object."
    elif faults.bad:
        odd = f"{faults.bad} of the entries of sessions.json"
        message = f"{odd} {verb(faults.bad, 'is', 'are')} of a wrong type."
    else:
        return
    severity, effect, hint = _effect(scene, faults)
    yield routing_file_unusable.finding(
        subject,
        f"{message[:-1]}{effect}.",
        hint,
        severity=severity,
        data={"readable": faults.readable, "bad": faults.bad, "after": faults.after},
        identity=(faults.readable, faults.bad),
    )


def _effect(scene: Scene, faults: FileFaults) -> tuple[Severity, str, Hint]:
    """Return how bad it is for the releases of this schema, what they do, and what to do."""
    keep = "Keep a copy of that file before the gateway starts: it writes it anew."
    if any(route.source is Source.DATABASE for route in scene.routing.current.values()):
        mirror = "Nothing needs to be done: Hermes reads its table, and writes the file anew."
        return Severity.INFO, "", mirror
    if "session_key" in scene.look.columns("sessions"):
        return Severity.WARNING, "; chats that the rows do not name start empty", keep
    lost = "all chats start"
    if faults.readable:
        lost = f"its chats and {faults.after} after the first start"
    back = " To lead a chat back, send there: /resume and the id of its session (0.16.0 on)."
    return Severity.ERROR, f": {lost} empty at the next message", keep + back
