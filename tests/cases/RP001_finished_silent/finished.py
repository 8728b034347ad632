import subprocess
import sys

for command in ("repair", "undo", "repair"):
    subprocess.run(
        [sys.executable, "-m", "hermes_repair", command, "--yes", "--home", sys.argv[1]],
        check=True,
    )
