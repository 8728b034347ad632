"""GW008: another Hermes home of this machine is in use beside this one."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import minute


@check("GW008", "second-home-in-use", Severity.INFO, Remedy.MANUAL, tables=("messages",))
def second_home_in_use(scene: Scene) -> Iterator[Finding]:
    """Hermes works on another home of this machine too, and each knows only its own chats.

    What it means: chats of one are not in the other. What seems lost may be there.

    How it happens: the service of the gateway and the shell have different values of HERMES_HOME;
    Hermes was started as another user; Windows has an old home in ~/.hermes beside the one in
    %LOCALAPPDATA% (Hermes #90898, #41517).

    What repair does: nothing. Keep one: `hermes-repair merge` brings it what only the other has,
    then let service and shell name the same folder.

    How safe it is: nothing is changed. Two homes may be meant, so it is a note. It is only said
    where a service of the gateway, HERMES_HOME of this shell or Hermes' usual place names this
    home, and another one of them the other, and both had a message in the last 30 days. Homes that
    nothing names, and those of other users and machines, are not searched.
    """
    by = scene.named_homes.by or ""
    for other in scene.homes_in_use:
        there, here = minute(other.newest), minute(other.newest_here)
        yield second_home_in_use.finding(
            {"kind": "file", "path": str(other.root)},
            f"{other.root} is in use too ({other.by}): its last message is of {there}, that of this"
            f" home ({by}) of {here}.",
            advice("To see what each has of the other: `{}`", command("copies", str(other.root))),
            data={
                "home": str(other.root),
                "named_by": other.by,
                "newest": other.newest,
                "newest_here": other.newest_here,
                "this_named_by": by,
            },
            identity=(str(other.root),),
        )
