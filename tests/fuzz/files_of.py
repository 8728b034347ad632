"""Damage to the other files of a home: transcripts, routing, config, our own, and their kinds."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from random import Random

from tests.fuzz.bytes_of import Hurt, put

LINES = (
    b"",
    b"null",
    b"[]",
    b"{}" * 2000,
    b'{"role": "user", "content": ' + b"7" * 5000 + b"}",
    b'{"a": ' * 50_000,
    b'{"role": "user", "content": "' + b"z" * 200_000 + b'"}',
    b'{"role": 5, "content": {"text": []}, "timestamp": "yesterday"}',
    b'{"role": "user", "content": "\\ud800", "timestamp": "2026-06-01T10:00:00"}',
    b'{"role": "user", "content": "caf\xe9"}',
    b'{"role": "user", "content": "later", "timestamp": "9999-12-31T23:59:59.999999"}',
    b'{"role": "user", "content": "early", "timestamp": "0001-01-01T00:00:00+14:00"}',
    b'{"role": "assistant", "tool_calls": [{"id": null}], "timestamp": 1e400}',
    b'{"role": "tool", "tool_call_id": ["x"], "content": null}',
    b"\x00" * 3000,
    b"\xef\xbb\xbf" + b'{"role": "user"}',
    b'{"role": "user", "content": "a"}{"role": "user", "content": "b"}',
    b"\x1b[2Jcleared",
)
CONFIGS = (
    b"",
    b"gateway: {sessions_dir: ~nosuchuser/x}\n",
    b'gateway: {sessions_dir: "a\\0b"}\n',
    b"gateway: {sessions_dir: !!bool x}\n",
    b"x: !!int ''\n",
    b"a: &a [*a, *a]\n",
    b"sessions_dir: /dev\n",
    b"sessions_dir: ..\n",
    b'{"sessions_dir": "\\ud800"}',
    b'{"a": ' * 30_000,
    b"[" * 100_000,
    b"\xff\xfe",
    b"gateway:\n  sessions_dir: [1]\n",
    b"- " * 5000,
    b"9" * 5000,
)
ROUTES = (
    b"null",
    b"[1]",
    b"\xff",
    b'{"agent:main:telegram:dm:1": {"session_id": 7}}',
    b'{"k": {"session_id": "20260604_080000_dddddddd", "updated_at": "never"}}',
    b'{"\\ud800": {"session_id": "../x", "session_key": null}}',
    b'{"k": ' * 20_000,
    b'{"n": ' + b"1" * 5000 + b"}",
)
SMALL = ("config.yaml", "gateway.json", "active_profile", "gateway.pid", "auth.json")
OURS = ("hermes-repair/acknowledged.json", "hermes-repair/run.lock")


def transcript(random: Random, home: Path) -> None:
    """Lines that no release writes, in a file that there is or a new one."""
    folder = home / "sessions"
    known = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not known:
        return
    names = ["20260604_080000_dddddddd.jsonl", "a\x1b[1m.jsonl", ".jsonl", "x" * 200 + ".jsonl"]
    path = random.choice([*known, *known, folder / random.choice(names)])
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    for _ in range(random.choice([1, 1, 4])):
        lines.insert(random.randint(0, len(lines)), random.choice(LINES))
    if random.random() < 0.3:
        random.shuffle(lines)
    data = b"\n".join(lines)
    put(path, data[: random.choice([len(data), random.randint(0, len(data))])])


def session_log(random: Random, home: Path) -> None:
    """A session log or a request dump with anything in it."""
    folder = home / "sessions"
    if not folder.is_dir():
        return
    session = "20260601_080000_aaaaaaaa"
    names = [f"session_{session}.json", f"request_dump_{session}_20260601_080000_000001.json"]
    inner = b",".join(random.choices(LINES, k=3))
    head = b'{"session_id": "' + session.encode() + b'", "message_count": 3, "messages": ['
    data = random.choice([head + inner + b"]}", head + inner, *LINES])
    put(folder / random.choice(names), data)


def config(random: Random, home: Path) -> None:
    put(home / random.choice(SMALL), random.choice(CONFIGS))


def routing(random: Random, home: Path) -> None:
    if (home / "sessions").is_dir():
        put(home / "sessions" / "sessions.json", random.choice(ROUTES))


def kind(random: Random, home: Path) -> None:
    """Something else than a file where a file is expected, or than a folder."""
    names = [str(path.relative_to(home)) for path in sorted(home.rglob("*"))]
    path = home / random.choice([*names, *SMALL, *OURS, "hermes-repair", "profiles", "logs"])
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(random, home, path)


def _replace(random: Random, home: Path, path: Path) -> None:
    """Put something else in the place of a file or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    targets: dict[str, str | Path] = {
        "itself": path,
        "dangling": "gone",
        "zero": "/dev/zero",
        "home": home,
        "database": home / "state.db",
    }
    way = random.choice(["fifo", "socket", "folder", "empty", "file", *targets])
    if way == "fifo":
        os.mkfifo(path)
    elif way == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)  # opened like a device without a driver: ENXIO
    elif way == "folder":
        path.mkdir()
    elif way in targets:
        path.symlink_to(targets[way])
    else:
        path.write_bytes(b"" if way == "empty" else random.choice(LINES))


def our_own(random: Random, home: Path) -> None:
    """What we accept, in any state."""
    folder = home / "hermes-repair"
    folder.mkdir(exist_ok=True)
    put(folder / "acknowledged.json", random.choice([*ROUTES, *CONFIGS]))


def record(random: Random, home: Path) -> None:
    """Something else in the place of what we keep, or bytes of it that are not ours."""
    folder = home / "hermes-repair"
    if not folder.is_dir():
        return
    path = random.choice([folder, *sorted(folder.rglob("*"))])
    if not path.is_file() or random.random() < 0.5:
        _replace(random, home, path)
        return
    data = bytearray(path.read_bytes())
    way = random.choice(["flip", "cut", "twice"])
    if way == "flip" and data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif way == "cut":
        del data[random.randint(0, len(data)) :]
    else:
        shutil.copyfile(path, path.with_name("0" + path.name))
    path.write_bytes(data)


HURTS: tuple[Hurt, ...] = (
    transcript,
    transcript,
    session_log,
    config,
    routing,
    kind,
    kind,
    our_own,
    record,
    record,
)
