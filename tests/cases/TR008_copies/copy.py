import shutil
import sys
from pathlib import Path

(transcript,) = (Path(sys.argv[1]) / "sessions").glob("*.jsonl")
for name in (
    "{}.bak",
    "{}-copy",
    "Copy of {}",
    ".{}",
    "{} (1)",
    "{}.sync-conflict-20260516-120000-ABCDEFG",
    "{} (Jo's conflicted copy 2026-05-16)",
):
    shutil.copyfile(transcript, transcript.with_stem(name.format(transcript.stem)))
