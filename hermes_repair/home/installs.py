"""The Hermes that serves a home and the schema number that it expects, without importing it.

Only an install that serves this home counts: interpreters of processes that work on it, those of
services that name it, the checkout below it, the ``hermes`` on PATH and the tool environments of
the user whose default home it is. Everything is read from files; what is asked of the machine comes
in as parameters.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias
from warnings import catch_warnings, simplefilter

from hermes_repair.home.launcher import (
    STATE_MODULE,
    SYSTEM_UNITS,
    code_of_command,
    code_of_environment,
    code_of_packages,
    services_of,
)
from hermes_repair.home.layout import base_of, default_root
from hermes_repair.host.regular_files import read_small, real_path

CONSTANT = "SCHEMA_VERSION"
MOST_NUMBER = 1_000_000
MOST_SOURCE = 8 << 20  # bytes; the largest module of 0.19.0 has some hundred kilobytes
_RELEASE = re.compile(r"""^__version__\s*=\s*["']([^"']+)["']""", re.MULTILINE)

_Place: TypeAlias = tuple[str, Path | None, Callable[[], Path | None]]
"""Words for a reader, the Python that leads there (None for another way), and where to."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the search may ask of the machine.

    ``platform`` is as in ``sys.platform``; ``system_code`` is where the installer of 0.19.0 puts
    the code when root runs it on Linux, ``system_units`` the folder of the system's services.
    """

    environ: Mapping[str, str]
    user_home: Path
    platform: str
    system_code: Path = Path("/usr/local/lib/hermes-agent")
    system_units: Path = SYSTEM_UNITS


@dataclass(frozen=True, slots=True)
class Installed:
    """One install of Hermes.

    ``number`` is its SCHEMA_VERSION, ``None`` where it cannot be read, with the cause in
    ``problem``. ``release`` is its version text, empty where there is none. ``code`` is the folder
    of its modules, ``found`` the file with the number, ``how`` a few words for a reader.
    ``changed_at`` is when a file of its code last changed, in epoch seconds. ``pythons`` are the
    interpreters of processes and services that were found to run this code.
    """

    number: int | None
    release: str
    code: Path
    found: Path | None
    how: str
    changed_at: float | None
    problem: str = ""
    pythons: tuple[Path, ...] = ()


def find_installed(
    root: Path, around: Surroundings, running: Iterable[Path] = ()
) -> tuple[Installed, ...]:
    """Return the installs that serve the home at ``root``, the likeliest first, each once.

    ``running`` are the Pythons of processes that have its database open; they come first, then
    those of its services, the ``hermes`` on PATH, the checkout below the home, and the user's
    environments.
    """
    by_place: dict[Path, Installed] = {}
    for how, python, look in _places(root, around, running):
        try:
            code = look()
            if code is None:
                continue
            place = real_path(code)
            install = by_place.get(place) or read_install(code, how)
        except (OSError, ValueError) as error:  # ValueError: a NUL in a path that a file names
            place = Path(str(getattr(error, "filename", None) or root))
            problem = f"it cannot be read: {error}"
            install = by_place.get(place) or Installed(None, "", place, None, how, None, problem)
        if python is not None:
            install = replace(install, pythons=(*install.pythons, python))
        by_place[place] = install
    return tuple(by_place.values())


def serving(installed: Sequence[Installed]) -> Installed | None:
    """Return the install whose number counts for the home: the likeliest that tells one."""
    return next((install for install in installed if install.number is not None), None)


def unread(installed: Sequence[Installed]) -> tuple[str, ...]:
    """Return a sentence for each install that serves the home and whose number cannot be read."""
    return tuple(
        f"A Hermes{f' {install.release}' if install.release else ''} was found ({install.how}), but"
        f" its schema number could not be read: {install.problem}."
        for install in installed
        if install.number is None
    )


def read_install(code: Path, how: str) -> Installed:
    """Read number and release of the code in the folder ``code``.

    The constant is in ``hermes_state.py`` up to 0.19.0 and in a module beside it from about schema
    25 on, so every ``hermes_state*`` module is asked. Raises ``OSError``.
    """
    modules = sorted(code.glob("hermes_state*.py"), key=lambda path: path.name != STATE_MODULE)
    number, source = None, None
    for module in [*modules, *sorted(code.glob("hermes_state/*.py"))]:
        number = constant_in(_source(module))
        if number is not None:
            source = module
            break
    # uv links files from its cache with their old times; the folder of the record is always new.
    records = sorted(code.glob("hermes_agent-*.dist-info"))
    marks = [*modules, code / "run_agent.py", code / ".git" / "logs" / "HEAD", *records]
    package = code / "hermes_cli" / "__init__.py"
    release = ""
    if package.is_file():
        match = _RELEASE.search(_source(package))
        release = match.group(1) if match else ""
        marks.append(package)
    return Installed(
        number=number,
        release=release,
        code=code,
        found=source,
        how=how,
        changed_at=max((m.stat().st_mtime for m in marks if m.exists()), default=None),
        problem="" if number is not None else f"no module in {code} names {CONSTANT}",
    )


def _source(module: Path) -> str:
    return read_small(module, MOST_SOURCE).decode("utf-8", "replace")


def constant_in(source: str) -> int | None:
    """Return the whole number that a module gives SCHEMA_VERSION at its top level."""
    try:
        with catch_warnings():
            simplefilter("ignore")  # what a later Python finds odd in it is for its own authors
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # MemoryError is what the parser says of too many operators
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                pass
            case _:
                continue
        if name == CONSTANT and type(value) is int and 0 <= value <= MOST_NUMBER:
            return value
    return None


def _places(root: Path, around: Surroundings, running: Iterable[Path]) -> Iterator[_Place]:
    base = base_of(root)
    environ = around.environ
    default = base_of(default_root(environ, around.user_home, around.platform))
    ours = real_path(default) == real_path(base)
    user = around.user_home if ours else _owner_of(base)
    for python in running:
        yield f"the running {python}", python, partial(code_of_environment, python.parent.parent)
    for service in services_of(root, user or around.user_home, around.system_units):
        look = partial(code_of_environment, service.python.parent.parent)
        yield f"the service {service.unit.name}", service.python, look
    if ours:
        for command in _commands(environ, around.platform):
            yield f"the hermes command {command}", None, partial(code_of_command, command)
    yield "the checkout below the home", None, partial(_checkout, base / "hermes-agent")
    if user is None:
        return
    for prefix in _environments(environ if ours else {}, user):
        yield f"the environment {prefix}", None, partial(code_of_environment, prefix)
    yield "the packages of the user", None, partial(code_of_packages, user / ".local")
    if ours and around.platform.startswith("linux"):
        yield "the checkout of the system", None, partial(_checkout, around.system_code)


def _commands(environ: Mapping[str, str], platform: str) -> Iterator[Path]:
    """Yield the files that typing ``hermes`` would start, in the order of PATH."""
    windows = platform == "win32"
    names = ("hermes.exe", "hermes.cmd", "hermes.bat") if windows else ("hermes",)
    for folder in environ.get("PATH", "").split(";" if windows else ":"):
        for name in names:
            if folder:
                yield Path(folder) / name


def _checkout(folder: Path) -> Path | None:
    return folder if (folder / STATE_MODULE).is_file() else None


def _owner_of(base: Path) -> Path | None:
    """Return the user's folder whose default home ``base`` is, ``None`` for another place."""
    if base.name == ".hermes":
        return base.parent
    parts = [part.lower() for part in base.parts[-3:]]
    return base.parents[2] if parts == ["appdata", "local", "hermes"] else None


def _environments(environ: Mapping[str, str], user: Path) -> Iterator[Path]:
    """Yield where uv and pipx keep the environment of hermes-agent."""
    data = Path(environ.get("XDG_DATA_HOME") or user / ".local" / "share")
    roaming = user / "AppData" / "Roaming"
    tools = [data / "uv" / "tools", roaming / "uv" / "tools"]
    pipx = [data / "pipx", user / ".local" / "pipx", user / "pipx"]
    if environ.get("UV_TOOL_DIR"):
        tools.insert(0, Path(environ["UV_TOOL_DIR"]))
    if environ.get("PIPX_HOME"):
        pipx.insert(0, Path(environ["PIPX_HOME"]))
    for prefix in [*tools, *(home / "venvs" for home in pipx)]:
        yield prefix / "hermes-agent"
