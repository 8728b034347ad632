"""From the ``hermes`` command, or a service of the gateway, to the code, by reading files alone.

Layouts (installers and packages of 0.13.0 to 0.19.0): a shell script or a link in ``~/.local/bin``
or ``/usr/local/bin`` that leads to ``<code>/venv/bin/hermes``; a console script of pip, uv or pipx
whose first lines name the interpreter of its environment; ``Scripts/hermes.exe`` on Windows.

Services: 0.13.0 to 0.19.0 write ``hermes-gateway[-<profile>].service`` for systemd, for the user or
for the system, and ``ai.hermes.gateway[-<profile>].plist`` for launchd. Both name the interpreter
of the environment first and the home as HERMES_HOME.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hermes_repair.host.regular_files import open_regular, parse_json, real_path, text_if_there

STATE_MODULE = "hermes_state.py"
MOST_HOPS = 5
HEAD_BYTES = 8192
SYSTEM_UNITS = Path("/etc/systemd/system")


def code_of_command(command: Path) -> Path | None:
    """Return the folder with the code that the file ``command`` runs, ``None`` if it is not told.

    Raises ``OSError`` where a file on the way may not be read.
    """
    for _ in range(MOST_HOPS):
        if not command.is_file():
            return None
        real = real_path(command)
        if real.suffix.lower() == ".exe":
            return code_of_environment(real.parent.parent)
        lines = _head(real)
        program = interpreter_of(lines) or target_of_shell(lines)
        if program is None:
            return code_of_environment(real.parent.parent)
        if "python" in program.name:
            return code_of_environment(program.parent.parent)
        command = program
    return None


def interpreter_of(lines: list[str]) -> Path | None:
    """Return the Python that the first lines of a console script name by its path.

    ``#!/path/python``, or ``#!/bin/sh`` followed by ``'''exec' "/path/python" ...`` for long paths.
    Links are not followed: the python of an environment is a link out of it.
    """
    if not lines or not lines[0].startswith("#!"):
        return None
    words = lines[0][2:].split()
    if words and "python" in Path(words[0]).name:
        return Path(words[0])
    for line in lines[1:3]:
        match = re.match(r"""'''exec'\s+["']?(/[^"']+?)["']?\s""", line)
        if match:
            return Path(match.group(1))
    return None


def target_of_shell(lines: list[str]) -> Path | None:
    """Return the first absolute path after the last ``exec`` of a shell script."""
    for line in reversed(lines):
        if not line.strip().startswith("exec "):
            continue
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        return next((Path(word) for word in words[1:] if word.startswith("/")), None)
    return None


def code_of_environment(prefix: Path) -> Path | None:
    """Return the folder with Hermes' code that the Python environment at ``prefix`` imports."""
    packaged = code_of_packages(prefix)
    if packaged is not None:
        return packaged
    return prefix.parent if (prefix.parent / STATE_MODULE).is_file() else None


def code_of_packages(prefix: Path) -> Path | None:
    """Return the folder with Hermes' code that the packages below ``prefix`` hold or point to."""
    patterns = ("lib*/python3*/*-packages", "local/lib/python3*/*-packages", "Lib/site-packages")
    folders = [folder for pattern in patterns for folder in prefix.glob(pattern)]
    for site in sorted(folders):
        for code in (site, *_editable(site)):
            if (code / STATE_MODULE).is_file():
                return code
    return None


def _editable(site: Path) -> Iterator[Path]:
    """Yield the projects that editable installs in ``site`` point to (PEP 610, .pth files)."""
    for record in sorted(site.glob("hermes_agent-*.dist-info/direct_url.json")):
        project = _folder_in(text_if_there(record))
        if project is not None:
            yield project
    for record in sorted(site.glob("*hermes*.pth")):
        for line in text_if_there(record).splitlines():
            if line.strip() and not line.startswith(("import ", "#")):
                yield site / line.strip()


def _folder_in(record: str) -> Path | None:
    try:
        data = parse_json(record)
        url = data.get("url") if isinstance(data, dict) else None
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    return Path(re.sub(r"^/(?=[A-Za-z]:)", "", unquote(parts.path)))


def _head(path: Path) -> list[str]:
    with open_regular(path) as file:
        return file.read(HEAD_BYTES).decode("utf-8", "replace").splitlines()


@dataclass(frozen=True, slots=True)
class Service:
    """One unit file of a service and the Python that it starts."""

    unit: Path
    python: Path


def services_of(root: Path, user_home: Path, system_units: Path) -> Iterator[Service]:
    """Yield the gateway's services whose HERMES_HOME is ``root``, in the order of their names."""
    for unit, python, home in _services(user_home, system_units):
        if real_path(home) == real_path(root):
            yield Service(unit, python)


def homes_of_services(user_home: Path, system_units: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the unit file and the HERMES_HOME of each service of the gateway."""
    for unit, _, home in _services(user_home, system_units):
        yield unit, home


def _services(user_home: Path, system_units: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Yield unit, Python and home of each service of the gateway, in the order of their names.

    A file that cannot be read, or is none of the gateway's, is left out: it starts nothing that
    could be known.
    """
    for folder in (user_home / ".config" / "systemd" / "user", system_units):
        for unit in sorted(folder.glob("hermes-gateway*.service")):
            yield from _told(unit, _of_systemd(text_if_there(unit)))
    agents = user_home / "Library" / "LaunchAgents"
    for unit in sorted(agents.glob("ai.hermes.gateway*.plist")):
        yield from _told(unit, _of_launchd(text_if_there(unit)))


def _told(unit: Path, started_with: tuple[str, str]) -> Iterator[tuple[Path, Path, Path]]:
    python, home = started_with
    if python.startswith("/") and home.startswith("/") and "\0" not in python + home:
        yield unit, Path(python), Path(home)


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
    import plistlib  # here: only macOS has such files

    try:
        data = plistlib.loads(text.encode())
    except Exception:  # noqa: BLE001 - a value that is none raises whatever plistlib met in it
        return "", ""
    arguments = data.get("ProgramArguments") if isinstance(data, dict) else None
    environment = data.get("EnvironmentVariables") if isinstance(data, dict) else None
    home = environment.get("HERMES_HOME") if isinstance(environment, dict) else None
    program = arguments[0] if isinstance(arguments, list) and arguments else None
    return (program if isinstance(program, str) else ""), (home if isinstance(home, str) else "")
