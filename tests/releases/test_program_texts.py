"""The texts that the programme knows stand in just the releases that it names."""

from __future__ import annotations

import re

import pytest

from hermes_repair.program_texts import (
    load_harness,
)
from hermes_repair.schema import catalogue_root
from tests.releases import RELEASES, release


def source_of(version: str) -> str:
    """Return all Python source of a release, with neighbouring string literals joined."""
    root = release(version)
    folders = ("agent", "gateway", "tools", "hermes_cli", "tui_gateway")
    files = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    files += [root / "run_agent.py", root / "cli.py", root / "hermes_state.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.mark.parametrize("version", RELEASES)
def test_each_opening_is_in_just_the_releases_that_it_names(version: str) -> None:
    source = source_of(version)
    place = RELEASES.index(version)
    root = catalogue_root()
    for text in load_harness(root).texts:
        names = RELEASES.index(text.since) <= place <= RELEASES.index(text.until)
        assert (text.opening in source) is names, (text.opening, version)
