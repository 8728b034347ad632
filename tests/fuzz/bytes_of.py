"""Damage to the bytes of state.db and to what lies beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

PAGE = 4096
Hurt = Callable[[Random, Path], None]


def put(path: Path, data: bytes) -> None:
    """Write a file; raises ``OSError`` where something else has its name: a FIFO never ends."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FileExistsError(path)
    path.write_bytes(data)


def _changed(random: Random, home: Path, change: Callable[[bytearray], object]) -> None:
    path = home / "state.db"
    if path.is_file():  # else it may have become one that never ends
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)


def flipped(random: Random, home: Path) -> None:
    """Some bits anywhere."""

    def change(data: bytearray) -> None:
        for _ in range(random.choice([1, 1, 3, 30])):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)

    _changed(random, home, change)


def flipped_in_schema(random: Random, home: Path) -> None:
    """Bytes of the first pages, where the schema is: names that are no UTF-8 among them."""

    def change(data: bytearray) -> None:
        for _ in range(random.choice([1, 2, 8])):
            data[random.randrange(100, 6 * PAGE)] = random.choice([0xFF, 0x80, 0, 0x1B, 0x41])

    _changed(random, home, change)


def header(random: Random, home: Path) -> None:
    """Fields of the header: page size, versions, counters, encoding."""

    def change(data: bytearray) -> None:
        for _ in range(random.choice([1, 2])):
            data[random.randrange(16, 100)] = random.choice([0, 1, 2, 3, 0x7F, 0xFF])

    _changed(random, home, change)


def page(random: Random, home: Path) -> None:
    """One page that is empty, random or another one's."""

    def change(data: bytearray) -> None:
        at = random.randrange(len(data) // PAGE) * PAGE
        other = random.randrange(len(data) // PAGE) * PAGE
        kinds = [bytes(PAGE), random.randbytes(PAGE), bytes(data[other : other + PAGE])]
        data[at : at + PAGE] = random.choice(kinds)

    _changed(random, home, change)


def cut(random: Random, home: Path) -> None:
    """An end that is missing, or too much of it."""

    def change(data: bytearray) -> None:
        if random.random() < 0.2:
            data += random.randbytes(random.choice([1, PAGE]))
        else:
            at = random.choice([0, 20, 100, 512, PAGE, random.randrange(len(data))])
            del data[at - at % random.choice([1, PAGE]) :]

    _changed(random, home, change)


def side_file(random: Random, home: Path) -> None:
    """Anything under the name of a side file."""
    path = home / f"state.db{random.choice(['-wal', '-shm', '-journal'])}"
    database = home / "state.db"
    data = database.read_bytes() if database.is_file() else b""
    wal = bytes.fromhex("377f0682002de218") + PAGE.to_bytes(4, "big") + random.randbytes(20)
    journal = bytes.fromhex("d9d505f920a163d7") + random.randbytes(20) + data[: PAGE * 2]
    kinds = [b"", b"\0" * 32, random.randbytes(5000), wal, wal + data[: PAGE + 24], journal]
    put(path, random.choice(kinds))


HURTS: tuple[Hurt, ...] = (flipped, flipped_in_schema, header, page, cut, side_file)
