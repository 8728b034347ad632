"""The text of a message is what the real release shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hermes_repair.transcripts.message_keys import shown
from tests.releases import run_release
from tests.unit.test_transcripts_text import PIECES

SANITIZE = """
import json, sys
from pathlib import Path
from agent.memory_manager import sanitize_context
texts = json.loads(Path(sys.argv[1]).read_text())
print(json.dumps([sanitize_context(text).strip() for text in texts]))
"""


@pytest.mark.parametrize("version", ["0.13.0", "0.15.2", "0.17.0", "0.19.0"])
def test_shown_text_is_what_the_release_shows(version: str, tmp_path: Path) -> None:
    import random

    numbers = random.Random(7)
    texts = [
        "".join(numbers.choice(PIECES) for _ in range(numbers.randrange(1, 9))) for _ in range(6000)
    ]
    source = tmp_path / "texts.json"
    source.write_text(json.dumps(texts))
    expected = json.loads(run_release(version, SANITIZE, tmp_path, str(source)))
    changed = 0
    for text, wanted in zip(texts, expected, strict=True):
        assert shown(text) == wanted, text
        changed += wanted != text.strip()
    assert changed > 1000
