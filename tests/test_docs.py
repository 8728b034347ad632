"""The documents name what is there: no page from elsewhere, no module that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

TOP = (".ci", "benchmarks", "docs", "hermes_repair", "sample_data", "schema", "tests")
TEXT = {".py", ".md", ".toml", ".sql", ".json", ".sh", ".yml", ".yaml", ""}
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

CITED = re.compile(
    r"\bdesign(?:\.md|:? +(?:section +)?[0-9]|:? +R[0-9]|:? +section\b|: [A-Z]\b)|\bfacts" + "/",
    re.IGNORECASE,
)
"""How a page that lies outside the repository was cited: by its name and a section or rule."""


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every text file of the repository, but for what a test run leaves and this module."""
    tops = [ROOT / name for name in TOP]
    files = [*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"]
    files += [path for top in tops for path in top.rglob("*") if path.suffix in TEXT]
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts and path != Path(__file__):
            yield path, path.read_text(encoding="utf-8", errors="replace")


def test_nothing_cites_a_page_that_is_not_here() -> None:
    cited = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if CITED.search(line)
    ]
    assert not cited, "\n".join(cited)


@pytest.mark.parametrize("line", ["(design R4)", "rules of design 6.2.", "in facts" + "/safe.md"])
def test_a_citation_is_recognised(line: str) -> None:
    assert CITED.search(line)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_names_is_here(name: str) -> None:
    document = ROOT / name
    text = document.read_text(encoding="utf-8")
    links = [document.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    quoted = [word for word in re.findall(r"`([^`\s]+)`", text) if is_ours(word)]
    missing = [path for path in [*links, *(ROOT / word for word in quoted)] if not path.exists()]
    assert not missing


def is_ours(word: str) -> bool:
    """Whether a quoted word names one file of the repository; ``NN.sql`` and ``<ID>`` are none."""
    if re.search(r"[<>*{]|NN|XX", word):
        return False
    return word.endswith(".md") or word.startswith(tuple(f"{top}/" for top in TOP))
