import subprocess
import sys

command = [sys.executable, "-m", "hermes_repair", "repair", "--yes", "--home", sys.argv[1]]
done = subprocess.run(command, capture_output=True, text=True, check=True)
assert "Done: 1 step" in done.stdout, done.stdout
