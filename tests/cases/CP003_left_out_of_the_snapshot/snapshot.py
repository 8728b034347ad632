"""What `hermes update` does of a home whose state.db is above 1 GiB; the limit is lower here."""

import os
from pathlib import Path

from hermes_cli.backup import create_quick_snapshot

home = Path(os.environ["HERMES_HOME"])
(home / "config.yaml").write_text("model: test\n")
assert create_quick_snapshot("pre-update", max_file_size=50_000)
