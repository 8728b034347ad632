"""Code and database, or code and process, that do not go together (SC008)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import Installed
from hermes_repair.host import ProcessInfo, Program
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import minute
from hermes_repair.schema.releases import number_of_release, skews_of


@check("SC008", "version-skew", Severity.WARNING, Remedy.MANUAL)
def version_skew(scene: Scene) -> Iterator[Finding]:
    """A running Hermes is older than its code, or the code does not fit this database.

    What it means: a process that was started before an update keeps running the old code and loads
    parts of the new code when it first needs them; one such gateway looped forever. Some releases
    do harm to a database of another schema: they fail to count tokens, or damage its search index.

    How it happens: `hermes update` changed the code and the gateway was not restarted (Hermes
    #34475), or an older Hermes opens a database that a newer one has changed.

    What repair does: nothing; it stops none of your programs. Restart Hermes after an update, and
    update whatever else uses the same home.

    How safe it is: nothing is changed. The time of the update comes from the code's files; a tool
    that touched them without changing them looks the same.
    """
    for process in scene.openers.processes:
        install = _code_of(process, scene.installed)
        if install is not None and _is_older(process, install):
            yield _outrun(process, install)
    for install in scene.installed:
        if install.number is None:
            continue
        for skew in skews_of(install.number, scene.recognition):
            version = install.release or "of an unknown release"
            yield version_skew.finding(
                {"kind": "install", "path": str(install.code)},
                f"Hermes {version} ({install.how}) expects schema {install.number}; on this"
                f" database (schema {scene.recognition.number}) {skew.what}.",
                "Update that Hermes before it runs on this home.",
                data={"code": install.number, "schema": scene.recognition.number},
                identity=(install.number, scene.recognition.number, skew.what),
            )
    release = scene.look_options.release
    number = number_of_release(release) if release is not None else None
    for skew in skews_of(number, scene.recognition) if number is not None else ():
        yield version_skew.finding(
            {"kind": "release", "release": release},
            f"Hermes {release} expects schema {number}; on this database (schema"
            f" {scene.recognition.number}) {skew.what}.",
            "Do not open this database with that release.",
            data={"code": number, "schema": scene.recognition.number},
            identity=(number, scene.recognition.number, skew.what),
        )


def _code_of(process: ProcessInfo, installed: tuple[Installed, ...]) -> Installed | None:
    """Return the code that a Hermes process runs; of a renamed one the only code that there is."""
    if not process.is_hermes or not process.same_namespace:
        return None
    if process.interpreter:
        python = Path(process.interpreter)
        return next((install for install in installed if python in install.pythons), None)
    return installed[0] if len(installed) == 1 else None


def _is_older(process: ProcessInfo, install: Installed) -> bool:
    if process.start_time is None or install.changed_at is None:
        return False
    return process.start_time + process.start_tolerance < install.changed_at


def _outrun(process: ProcessInfo, install: Installed) -> Finding:
    changed = minute(install.changed_at or 0)
    profile = f" --profile {process.profile}" if process.profile else ""
    restart = f"Restart it: hermes{profile} gateway restart"
    if process.program is not Program.GATEWAY:
        restart = (
            "Quit that Hermes and start it again; if it is the gateway: hermes gateway restart"
        )
    name = process.describe()
    return version_skew.finding(
        {"kind": "process", "pid": process.pid},
        f"{name[0].upper()}{name[1:]} was started before its code was changed on {changed}.",
        restart,
        data={"code": str(install.code), "changed_at": install.changed_at},
        identity=(process.pid, process.start_ticks, install.changed_at),
    )
