"""Which Python a service of the gateway starts for a home, read from the unit files alone.

0.13.0 to 0.19.0 write ``hermes-gateway[-<profile>].service`` for systemd, for the user or for the
system, and ``ai.hermes.gateway[-<profile>].plist`` for launchd. Both name the interpreter of the
environment first and the home as HERMES_HOME.
"""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.host.regular_files import real_path, text_if_there

SYSTEM_UNITS = Path("/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Service:
    """One unit file and the Python that it starts."""

    unit: Path
    python: Path


def services_of(root: Path, user_home: Path, system_units: Path) -> Iterator[Service]:
    """Yield the gateway's services whose HERMES_HOME is ``root``, in the order of their names.

    A file that cannot be read, or is none of the gateway's, is left out: it starts nothing that
    could be known.
    """
    for folder in (user_home / ".config" / "systemd" / "user", system_units):
        for unit in sorted(folder.glob("hermes-gateway*.service")):
            yield from _serving(unit, _of_systemd(text_if_there(unit)), root)
    agents = user_home / "Library" / "LaunchAgents"
    for unit in sorted(agents.glob("ai.hermes.gateway*.plist")):
        yield from _serving(unit, _of_launchd(text_if_there(unit)), root)


def _serving(unit: Path, found: tuple[str, str], root: Path) -> Iterator[Service]:
    python, home = found
    absolute = python.startswith("/") and home.startswith("/")
    if absolute and "\0" not in python + home and real_path(Path(home)) == real_path(root):
        yield Service(unit, Path(python))


def _of_systemd(text: str) -> tuple[str, str]:
    """Return (program, HERMES_HOME) of a unit file, empty where it does not say."""
    program = home = ""
    for line in text.splitlines():
        name, _, value = line.strip().partition("=")
        try:
            words = shlex.split(value) if name in ("ExecStart", "Environment") else []
        except ValueError:
            words = []
        if name == "ExecStart" and words:
            program = words[0].lstrip("@-:+!")
        for word in words if name == "Environment" else ():
            if word.startswith("HERMES_HOME="):
                home = word.partition("=")[2]
    return program, home


def _of_launchd(text: str) -> tuple[str, str]:
    try:
        data = plistlib.loads(text.encode())
    except Exception:  # noqa: BLE001 - a value that is none raises whatever plistlib met in it
        return "", ""
    arguments = data.get("ProgramArguments") if isinstance(data, dict) else None
    environment = data.get("EnvironmentVariables") if isinstance(data, dict) else None
    home = environment.get("HERMES_HOME") if isinstance(environment, dict) else None
    program = arguments[0] if isinstance(arguments, list) and arguments else None
    return (program if isinstance(program, str) else ""), (home if isinstance(home, str) else "")
