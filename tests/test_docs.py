"""The documents name what is there: no page from elsewhere, no module that is gone."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import hermes_repair
from tests.support import ROOT

TOP = (".ci", "benchmarks", "docs", "hermes_repair", "sample_data", "schema", "tests")
TEXT = {".py", ".md", ".toml", ".sql", ".json", ".sh", ".yml", ".yaml", ""}
PAGES = tuple(
    f"docs/{name}.md"
    for name in ("install", "monitoring", "findings", "safety", "faq", "comparison")
)
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/ARCHITECTURE.md",
    "docs/DAMAGE.md",
    "docs/MERGING.md",
    "docs/SALVAGE.md",
    *PAGES,
)
ROOMS = {module.name for module in pkgutil.iter_modules(hermes_repair.__path__)} - {"__main__"}

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


@pytest.fixture(scope="module")
def architecture() -> str:
    return (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_name_in_the_architecture_is_in_the_code(architecture: str) -> None:
    named = [
        word.removesuffix("()")
        for word in re.findall(r"`([a-z_]+(?:\.\w+)+(?:\(\))?)`", architecture)
        if word.split(".")[0] in ROOMS
    ]
    assert len(named) > 50
    missing = [name for name in named if not resolves(name)]
    assert not missing


def resolves(name: str) -> bool:
    """Whether ``room.module.name`` is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["hermes_repair", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return part in getattr(found, "__annotations__", {})
            found = getattr(found, part)
        return True
    return False


def test_no_two_modules_have_one_name() -> None:
    names = Counter(path.name for path in (ROOT / "hermes_repair").rglob("*.py"))
    del names["__init__.py"]
    assert len(names) > 100
    assert [name for name, times in names.items() if times > 1] == []


def test_every_room_is_described(architecture: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", architecture, re.MULTILINE))
    assert set(rows) == ROOMS
    assert all(len(job) > 20 for job in rows.values())


def test_every_rule_that_code_cites_is_defined(architecture: str) -> None:
    defined = re.findall(r"^- \*\*(R\d+)\. ", architecture, re.MULTILINE)
    assert defined == [f"R{number}" for number in range(1, 11)]
    cited = {rule for _, text in texts() for rule in re.findall(r"\((R\d+)\)", text)}
    assert cited <= set(defined)


def test_every_reference_in_a_docstring_resolves() -> None:
    missing = []
    for path in sorted((ROOT / "hermes_repair").rglob("*.py")):
        *room, module = path.relative_to(ROOT / "hermes_repair").with_suffix("").parts
        for name in re.findall(r":(?:mod|func|class):`~?([\w.]+)`", path.read_text("utf-8")):
            if name.startswith("."):
                meant = [".".join(room) + name, ".".join([*room, module]) + name]
            elif name.startswith("hermes_repair."):
                meant = [name.removeprefix("hermes_repair.")]
            else:
                continue
            if not any(map(resolves, meant)):
                missing.append(f"{path.name}: {name}")
    assert not missing
