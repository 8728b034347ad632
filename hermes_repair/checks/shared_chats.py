"""GW007: chats that two profiles have under one id, and that are not the same in both."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, verb


@check("GW007", "chat-in-two-profiles", Severity.INFO, Remedy.NONE)
def chat_in_two_profiles(scene: Scene) -> Iterator[Finding]:
    """Another profile has a chat of this one under the same id, and its messages differ.

    What it means: each profile shows its own half, and what was said in one is not known in the
    other. Two gateways may answer the same person.

    How it happens: a home was copied to make a profile, and both went on; or a gateway wrote to
    another profile's database than the one that it serves (Hermes #40344, #59566, #88897).

    What repair does: nothing. `hermes-repair merge` brings what only the other profile has of a
    chat; a chat that went on in both becomes two, side by side.

    How safe it is: nothing is changed. A chat that is archived here is left out: it may have been
    taken to the other profile. A profile that is in use and cannot be looked at is not asked.
    """
    for shared in scene.shared_chats:
        number = len(shared.sessions)
        ahead = []
        if shared.ahead_there:
            ahead.append(f"{shared.ahead_there:,} went on there")
        if shared.ahead_here:
            ahead.append(f"{shared.ahead_here:,} here")
        how = f": {', '.join(ahead)}" if ahead else ""
        first = command("merge", str(shared.path), "--session", shared.sessions[0], "--dry-run")
        yield chat_in_two_profiles.finding(
            dict(DATABASE),
            f"{count(number, 'chat')} {verb(number, 'is', 'are')} in profile {shared.profile} too,"
            f" with other messages{how}.",
            advice("To see what only that profile has of one: `{}`", first),
            data={
                "profile": shared.profile,
                "sessions": list(shared.sessions),
                "ahead_here": shared.ahead_here,
                "ahead_there": shared.ahead_there,
            },
            identity=(shared.profile, *shared.sessions),
            sessions=number,
        )
