import subprocess
import sys
from pathlib import Path

KILLED = """
import os, signal
from hermes_repair.app import file_exchange
from hermes_repair.cli import main

file_exchange.set_wal_aside = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""

path = Path(sys.argv[1]) / "state.db"
with path.open("r+b") as file:
    file.write(bytes(4096))
subprocess.run(
    [sys.executable, "-c", KILLED, "salvage", "--install", "--yes", "--home", sys.argv[1]]
)
