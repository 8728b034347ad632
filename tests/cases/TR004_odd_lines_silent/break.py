import sys
from pathlib import Path

(file,) = Path(sys.argv[1]).glob("sessions/*.jsonl")
lines = file.read_bytes().rstrip(b"\n").split(b"\n")
file.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines))
