import subprocess
import sys

command = [sys.executable, "-m", "hermes_repair", "repair", "--unsafe", "--yes", "-q"]
subprocess.run([*command, "--home", sys.argv[1]], check=True)
