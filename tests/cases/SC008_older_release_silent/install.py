import shutil
from pathlib import Path

import hermes_state
from hermes_constants import get_hermes_home

checkout = Path(get_hermes_home()) / "hermes-agent"
checkout.mkdir()
shutil.copy(hermes_state.__file__, checkout)
