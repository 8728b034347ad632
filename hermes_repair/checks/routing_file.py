"""GW002: the file that says which chat of the gateway leads to which session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from hermes_repair.checks.file_units import can_rewrite, rewritten_file
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import FileFaults, Source, file_faults, file_of, kept_entries
from hermes_repair.home.layout import routing_file, routing_place
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb


@check("GW002", "routing-file-unusable", Severity.ERROR, Remedy.SAFE, stage=Stage.FILES)
def routing_file_unusable(scene: Scene) -> Iterator[Finding]:
    """The gateway cannot use `sessions.json`, its file of which chat leads to which session.

    What it means: releases up to 0.17 know a chat by this file alone: what they cannot read there
    starts an empty chat at its next message, and the file is written over without it. From 0.18.0
    on the database knows the chats too, so only those are lost that its rows do not name. Where a
    folder lies in its place, every release fails on every message.

    How it happens: a full disk or a power cut while it was written, an edit by hand, or a volume
    mounted where the file was (Hermes #20098, #46994, #47023).

    What repair does: it copies the file, then writes it again with every entry that is whole, as
    Hermes would. What no release can read is left out. Where nothing is whole, and where a folder
    lies in its place, nothing is changed: from 0.18.0 on each release finds its chats by the key in
    their rows and writes the file anew, and before that no row says of which chat it is, so that a
    guess could show a chat to somebody else. Hermes 0.16.0 and later lead a chat back to its
    session when you send `/resume` and the id there.

    How safe it is: safe. Every release since 0.13.0 writes the file anew before it answers the
    first message, so a torn file has the chats as they were when the gateway last ran. Where it
    names a session that its chat has left since, it is an older copy that was put back, and it is
    only written when you name the finding: a chat that was begun anew would go on in what it left.
    Only with the gateway stopped: it keeps its own list in memory and writes that. Where the table
    `gateway_routing` knows the chats (0.18.1 on) nothing needs to be done.
    """
    place = routing_place(scene.home)
    subject = {"kind": "file", "path": place.name}
    if place.is_dir():
        yield routing_file_unusable.finding(
            subject,
            "sessions.json is a folder: the gateway fails on every message of every chat.",
            "Stop the gateway and move that folder away. The gateway makes the file anew.",
            remedy=Remedy.MANUAL,
            identity=("folder",),
        )
        return
    data = routing_file(scene.home)
    faults = file_faults(data) if data is not None else FileFaults(readable=True)
    if data is None or (faults.readable and not faults.bad):
        return
    kept = kept_entries(data)
    chats = sum(not key.startswith("_") for key in kept)
    effect = _effect(scene, faults)
    mends = effect.severity is not Severity.INFO and bool(chats) and can_rewrite(place)
    if faults.readable:
        odd = f"{faults.bad} of the entries of sessions.json"
        message = f"{odd} {verb(faults.bad, 'is', 'are')} of a wrong type{effect.words}"
    else:
        message = f"sessions.json cannot be read: it is torn, or no JSON object{effect.words}"
    if mends:
        message += f"; {count(chats, 'chat')} can be kept"
    older = _left_since(scene, kept) if mends else 0
    if older:
        message += f", {older} of them in a session that the chat has left since: the file is old"
    yield routing_file_unusable.finding(
        subject,
        f"{message}.",
        _hint(older) if mends else effect.otherwise,
        severity=effect.severity,
        remedy=_remedy(older) if mends else Remedy.MANUAL,
        data={
            "readable": faults.readable,
            "bad": faults.bad,
            "after": faults.after,
            "kept": chats,
            "left": older,
        },
        identity=(faults.readable, faults.bad),
        fix=each(partial(_keep_whole_entries, scene, data, kept, older)) if mends else None,
    )


def _remedy(older: int) -> Remedy:
    return Remedy.UNSAFE if older else Remedy.SAFE


def _hint(older: int) -> Hint:
    named = command("repair", "--select", "GW002", "--unsafe")
    return advice("If you want it all the same: {}", named) if older else REPAIR


_LEFT = {"compression", "session_reset", "session_switch"}
"""How a session ends that its chat leaves; the gateway saves the file first (0.13.0 to 0.19.0), but
for compression, where it does so after the answer."""


def _left_since(scene: Scene, kept: Mapping[str, Any]) -> int:
    """Return how many of these chats have left the session that the file names for them."""
    names = (entry.get("session_id") for key, entry in kept.items() if not key.startswith("_"))
    nodes = (scene.node.get(name) for name in names)
    return sum(node is not None and node.end_reason in _LEFT for node in nodes)


def _keep_whole_entries(
    scene: Scene, data: bytes, kept: Mapping[str, Any], older: int, finding: Finding
) -> Iterator[Unit]:
    chats = sum(not key.startswith("_") for key in kept)
    summary = f"write sessions.json with the {count(chats, 'chat')} that can be read"
    unit = rewritten_file(scene, [finding], routing_place(scene.home), data, file_of(kept))
    yield replace(unit, summary=summary, safety=Safety.UNSAFE if older else Safety.SAFE)


class _Effect(NamedTuple):
    """What a fault does to the releases of a schema, and what to do where nothing is mended."""

    severity: Severity
    words: str
    otherwise: Hint


def _effect(scene: Scene, faults: FileFaults) -> _Effect:
    keep = "Keep a copy of that file before the gateway starts: it writes it anew."
    if any(route.source is Source.DATABASE for route in scene.routing.current.values()):
        mirror = "Nothing needs to be done: Hermes reads its table, and writes the file anew."
        return _Effect(Severity.INFO, "", mirror)
    if "session_key" in scene.look.columns("sessions"):
        return _Effect(Severity.WARNING, "; chats that the rows do not name start empty", keep)
    lost = "all chats start"
    if faults.readable:
        lost = f"its chats and {faults.after} after the first start"
    back = " To lead a chat back, send there: /resume and the id of its session (0.16.0 on)."
    return _Effect(Severity.ERROR, f": {lost} empty at the next message", keep + back)
