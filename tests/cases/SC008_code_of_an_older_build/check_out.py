import sys
from pathlib import Path

checkout = Path(sys.argv[1]) / "hermes-agent"
checkout.mkdir()
(checkout / "hermes_state.py").write_text("SCHEMA_VERSION = 21\n", encoding="utf-8")
