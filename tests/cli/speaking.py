"""The command line, run in this process or in one of its own, and what it says."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from hermes_repair.cli.guard import run
from hermes_repair.schema import catalogue_root
from tests.forked import server
from tests.support import ROOT, keep_command_tree

keep_command_tree()

AT_A_HOME = (
    "ack|backfill|backup|copies|doctor|find|forks|history|locks|merge|migrate|repair|restore"
    "|tree|undo|vacuum"
)
COMMAND = re.compile(rf"hermes-repair (?={AT_A_HOME}\b)[^`]*")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every command of ours in a text, as a shell splits them."""
    for line in text.splitlines():
        for found in COMMAND.finditer(line):
            yield shlex.split(found[0].rstrip("."))


@dataclass(frozen=True)
class Said:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; asserts that there is nothing else."""
        return json.loads(self.out)

    def sentences(self) -> str:
        """What a person reads: both streams."""
        return self.out + self.err


def say(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Said:
    """Run a command line in this process, off a terminal."""
    capsys.readouterr()
    code = run([str(word) for word in words])
    out, err = capsys.readouterr()
    return Said(code, out, err)


def process_environ(home: Path, **more: str) -> dict[str, str]:
    """Return an environment that names no Hermes, with a user's home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HERMES_", "PYTHON"))}
    return kept | {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)} | more


def spawn(folder: Path, *words: str | Path, code: str = "", **more: str) -> Said:
    """Run a command line in a process of its own; ``code`` runs before it."""
    script = f"{code}\nimport sys\nfrom hermes_repair.cli import main\nsys.argv[0] = 'x'\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        env=process_environ(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def at_a_terminal(folder: Path, *words: str | Path, typed: str = "", **more: str) -> Said:
    """Run a command line at a terminal, where ``typed`` is typed when it asks.

    The terminal has 100 columns unless ``COLUMNS`` says otherwise; without ``PAGER`` there is none.
    """
    terminal = _Terminal(folder, words, {"COLUMNS": "100", "PAGER": ""} | more)
    heard, asked = b"", not typed
    for part in terminal.parts():
        heard += part
        if not asked and (b"[y/N" in heard or b"Type a number" in heard):
            terminal.type(typed)
            asked = True
    return Said(terminal.code(), heard.decode("utf-8", "backslashreplace"), "")


def talk_at_a_terminal(
    folder: Path, *words: str | Path, answers: Sequence[str | Callable[[], str]], **more: str
) -> list[str]:
    """Answer one question after another; return what was shown up to each, and after the last.

    A question is a line without an end that ends with a colon or a bracket and a space. An answer
    may be a function, which does what a person does meanwhile.
    """
    size = {"COLUMNS": "80", "LINES": "24", "PAGER": "cat"}
    terminal = _Terminal(folder, words, size | more)
    screens, heard, left = [], b"", list(answers)
    for part in terminal.parts():
        heard += part
        if not part and left and _ASKS.search(heard):
            screens.append(_shown(heard))
            heard = b""
            answer = left.pop(0)
            terminal.type(f"{answer if isinstance(answer, str) else answer()}\n")
    assert terminal.code() == 0, heard
    assert not left, (left, heard)
    return [*screens, _shown(heard)]


class _Terminal:
    """A terminal of its own with a command line that runs at it."""

    def __init__(self, folder: Path, words: tuple[str | Path, ...], more: dict[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        environ = process_environ(folder, **{"TERM": "xterm-256color"} | more)
        typed = [*map(str, words)]
        self._ended, self._code = server().start_at(os.ttyname(self._slave), typed, environ)

    def parts(self) -> Iterator[bytes]:
        """Yield what is shown until the command has ended; nothing where it is silent a while."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._master, self._ended], [], [], 0.2)
            if ready and self._master not in ready:
                return
            yield os.read(self._master, 65536) if ready else b""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def code(self) -> int:
        """Close the terminal, which ends what still waits there, and return how it ended."""
        os.close(self._slave)
        os.close(self._master)
        return self._code()


_ASKS = re.compile(rb"[:\]](\x1b\[[0-9;]*m)* $")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")


def _shown(heard: bytes) -> str:
    """Return what stands on the terminal: without colours, and without what was drawn over."""
    text = _COLOUR.sub("", heard.decode("utf-8", "backslashreplace")).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))


@cache
def schemas() -> dict[str, Any]:
    """Return the JSON Schemas of ``schema/json``, by name."""
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in (catalogue_root() / "json").glob("*.json")
    }
    assert found, "there are no schemas"
    return found


@cache
def validator(name: str, *, closed: bool = True) -> Draft202012Validator:
    """Return what checks a document; ``closed``: a field that no schema names is an error too.

    Readers have to bear new fields, so the schemas allow them; a test has to see them.
    """
    known = {key: _closed(value) if closed else value for key, value in schemas().items()}
    registry: Registry[Any] = Registry().with_resources(
        (f"{key}.json", Resource.from_contents(value)) for key, value in known.items()
    )
    return Draft202012Validator(known[name], registry=registry)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def assert_document(name: str, document: Any) -> None:
    """See that a document is what ``schema/json`` says of it."""
    errors = sorted(validator(name).iter_errors(document), key=str)
    assert not errors, "\n".join(
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors
    )
