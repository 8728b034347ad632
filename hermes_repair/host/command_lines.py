"""What a command line is, pure: which program runs, and a short form that is safe to print.

The rules follow how the releases 0.13 to 0.19 start themselves (``hermes_cli.main``,
``gateway/run.py``, the ``hermes`` and ``hermes-gateway`` scripts). 0.19 may rename its process to
the bare word ``hermes``: then the gateway cannot be told from the other programs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePosixPath, PureWindowsPath

from hermes_repair.host.observations import Program

_INTERPRETER = re.compile(r"(python|pypy|node|bun|ruby|perl|sh|bash|dash|zsh)[\d.]*w?")
_PYTHON = re.compile(r"python[\d.]*w?")
_SCRIPT = re.compile(r"(.*/)?(hermes|hermes-agent|hermes-acp)")
_MODULE = re.compile(r"(hermes_cli|tui_gateway|acp_adapter|run_agent)(\..*)?")
_FILE = re.compile(r"(.*/)?(hermes_cli/main|run_agent|tui_gateway/\w+)\.py")
_GATEWAY = re.compile(r"(.*/)?(hermes-gateway|gateway/run\.py)|gateway\.run")
_REPAIR = re.compile(r"(.*/)?hermes-repair|hermes_repair(\..*)?|(.*/)?hermes_repair/__main__\.py")
# The path in this version, and in 0.1.0.
_WORKER = re.compile(r".*/hermes_repair/host/(?:byte_)?worker\.py")
_INSTALL = re.compile(r"(.*/)?hermes-agent/.*")
_TAKES_VALUE = {"-p", "--profile", "-m", "--model", "--provider", "--home", "-t", "--toolsets"}
_VERBS = {
    *("gateway", "run", "restart", "start", "stop", "chat", "acp", "cron", "dashboard", "desktop"),
    *("serve", "sessions", "tui", "update"),
    *("doctor", "repair", "migrate", "backfill", "locks", "clean", "backup", "restore", "undo"),
}
_LIMIT = 80


def classify(argv: Sequence[str]) -> tuple[Program, str | None]:
    """Return which program a command line runs, and the Hermes profile that it names."""
    if list(argv[1:3]) == ["-I", "-S"] and len(argv) > 3 and _WORKER.fullmatch(_plain(argv[3])):
        return Program.BYTE_READER, None
    entry, rest = _entry(argv)
    entry = _plain(entry)
    if _REPAIR.fullmatch(entry):
        return Program.HERMES_REPAIR, None
    words, profile = _words(rest)
    if _GATEWAY.fullmatch(entry):
        return Program.GATEWAY, profile
    if _SCRIPT.fullmatch(entry) or _MODULE.fullmatch(entry) or _FILE.fullmatch(entry):
        runs = words[:1] == ["gateway"] and words[1:2] in ([], ["run"], ["restart"])
        return (Program.GATEWAY if runs else Program.HERMES), profile
    if any(_INSTALL.fullmatch(_plain(word)) for word in (*argv[:1], entry)):
        return Program.HERMES, profile
    return Program.OTHER, None


def interpreter(argv: Sequence[str]) -> str:
    """Return the Python that a command line names by an absolute path, empty for none."""
    first = argv[0] if argv else ""
    named = _PYTHON.fullmatch(_plain(first).rpartition("/")[2]) is not None
    absolute = PurePosixPath(first).is_absolute() or PureWindowsPath(first).is_absolute()
    return first if named and absolute else ""


def shorten(argv: Sequence[str]) -> str:
    """Return a command line for people: program and subcommands, nothing that may be a message.

    Values and free arguments are left out (a chat may be started with the question on the command
    line), control characters are escaped, and the whole is at most 80 characters.
    """
    if not argv:
        return ""
    entry, rest = _entry(argv)
    words = [_plain(argv[0]).rpartition("/")[2]]
    if entry != argv[0]:
        module = list(argv).index(entry) > 0 and argv[list(argv).index(entry) - 1] == "-m"
        words += ["-m", entry] if module else [_plain(entry).rpartition("/")[2]]
    if classify(argv)[0] is not Program.OTHER:
        words += takewhile(_VERBS.__contains__, _words(rest)[0][:2])
    elif rest:
        words.append("...")
    text = " ".join(words).encode("unicode_escape").decode("ascii")
    return text if len(text) <= _LIMIT else text[: _LIMIT - 3] + "..."


def _entry(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return what is run (a script, a module, or the program itself) and its arguments."""
    if not argv:
        return "", ()
    if not _INTERPRETER.fullmatch(_plain(argv[0]).rpartition("/")[2]):
        return argv[0], argv[1:]
    for index, word in enumerate(argv[1:], 1):
        if word == "-m" and index + 1 < len(argv):
            return argv[index + 1], argv[index + 2 :]
        if word == "-c":
            break
        if not word.startswith("-"):
            return word, argv[index + 1 :]
    return argv[0], argv[1:]


def _words(rest: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments that are no options, and the profile that is selected."""
    words: list[str] = []
    profile: str | None = None
    left = iter(rest)
    for word in left:
        name, equals, value = word.partition("=")
        if name in _TAKES_VALUE:
            value = value if equals else next(left, "")
            if name in ("-p", "--profile") and re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", value):
                profile = value
        elif not word.startswith("-"):
            words.append(word)
    return words, profile


def _plain(word: str) -> str:
    """Return a program or path with forward slashes and without ``.exe``."""
    return word.replace("\\", "/").removesuffix(".exe")
