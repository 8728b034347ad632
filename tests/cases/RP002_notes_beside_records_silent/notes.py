import json
import subprocess
import sys
from pathlib import Path

home = Path(sys.argv[1])


def run(*words: str) -> str:
    command = [sys.executable, "-m", "hermes_repair", *words, "--home", str(home)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout


(first, *_) = json.loads(run("doctor", "--json"))["findings"]
run("ack", first["fingerprint"], "--reason", "known")
run("repair", "--yes")
records = home / "hermes-repair"
assert (records / "acknowledged.json").is_file()
(records / "receipts" / "notes.txt").write_text("what I did\n", encoding="utf-8")
(records / "receipts" / "0001-old-repair.db.bak").write_bytes(b"\0")
