"""Every command that is printed is typed: on the sample homes here, on every case in test_cases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sample_data.build import NAMES, build
from tests.cases.printed import IN_PART, passed, refused
from tests.cli.speaking import Said


@pytest.mark.parametrize("name", NAMES)
def test_no_command_that_is_printed_is_refused(name: str, tmp_path: Path) -> None:
    assert refused(build(name, tmp_path / "home", time.time())) == []


def test_the_words_of_what_was_done_in_part_are_those_that_are_said() -> None:
    """A sentence that is worded anew must not let every refusal pass, or none."""
    assert passed(["hermes-repair", "repair"], Said(4, IN_PART[0], ""))
    assert not passed(["hermes-repair", "repair"], Said(4, "", "Nothing was changed."))
    assert not passed(["hermes-repair", "repair"], Said(1, "", ""))
