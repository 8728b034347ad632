"""Running hermes-repair as a user types it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forked import server


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def run(
    *arguments: str | Path,
    home: Path | None = None,
    environ: dict[str, str] | None = None,
    largest: int | None = None,
    before: str = "",
) -> Ran:
    """Run one command line, off a terminal, with an environment that names no Hermes.

    ``largest`` bytes are as much as a file can have: what a full disk is. ``before`` is a Python
    text that its process has run before it imported anything.
    """
    known = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    }
    known["HOME"] = "/nonexistent"
    words = [str(argument) for argument in arguments]
    if home is not None:
        words += ["--home", str(home)]
    return Ran(*server(before).run(words, known | (environ or {}), largest))
