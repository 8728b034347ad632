"""Files that nobody wrote: small databases changed so that they lie, loop, cut off or overflow."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hermes_repair.salvage.database_header import PAGE_SIZES
from tests.homes.database import connect
from tests.salvage.stores import Store, life
from tests.unit.salvage_databases import EXTRA

WORDS = (0, 1, 2, 5, 10, 13, 0x7F, 0x80, 0xFF)
NUMBERS = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
STORES = tuple(
    Store(shapes, size, encoding, auto_vacuum, sessions, 900, deleted=deleted)
    for shapes, size, encoding, auto_vacuum, sessions, deleted in (
        (("22",), 512, "UTF-8", 0, 1, False),
        (("11", "22"), 1024, "UTF-8", 0, 2, True),
        (("30",), 1024, "UTF-8", 2, 2, True),
        (("06",), 512, "UTF-16le", 1, 2, True),
        (("22",), 2048, "UTF-16be", 0, 1, False),
    )
)
LONG = "INSERT INTO wide VALUES (?, ?, zeroblob(?), 0.5)"
INTERIOR_HEADER, INTERIORS, LEAVES = 12, (2, 5), (10, 13)
WAL_MAGIC, JOURNAL_MAGIC = 0x377F0682, bytes.fromhex("d9d505f920a163d7")
HEADER_FIELDS = (16, 18, 20, 21, 24, 28, 31, 32, 36, 44, 52, 56, 59, 62, 64)
VARINTS = (b"\xff" * 9, b"\x80" * 9, b"\x81" + b"\x80" * 8, b"\x8f\xff\xff\xff\x7f", b"\xff\x7f")

Mutation = Callable[[Random, bytearray], object]


@dataclass(slots=True)
class Files:
    """What lies there: the main file, and what its side files are by suffix."""

    page_size: int
    data: dict[str, bytearray]

    def write(self, folder: Path) -> Path:
        """Write them to a folder, in place of the last; return the main file."""
        path = folder / "state.db"
        for suffix in ("", "-wal", "-journal"):
            file = Path(f"{path}{suffix}")
            if suffix in self.data:
                file.write_bytes(self.data[suffix])
            else:
                file.unlink(missing_ok=True)
        return path

    @property
    def main(self) -> bytearray:
        return self.data[""]

    def pages(self, *kinds: int) -> list[int]:
        """Return where the pages begin whose first byte is one of ``kinds``; all, if none."""
        found = range(0, len(self.main) - self.page_size + 1, self.page_size)
        return [at for at in found if not kinds or self.main[at + 100 * (at == 0)] in kinds]


@cache
def bases() -> tuple[tuple[int, dict[str, bytes]], ...]:
    """Return the page size and the files of each database that is changed, with side files."""
    return tuple(base for store in STORES for base in _bases(store))


def _bases(store: Store) -> Iterator[tuple[int, dict[str, bytes]]]:
    made = life(store)
    yield store.page_size, {"": made.newer}
    yield store.page_size, {"": made.before, "-wal": made.wal}
    with TemporaryDirectory(prefix="hostile-") as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(made.newer)
        with closing(connect(path)) as db:
            db.executescript(EXTRA)
            for n in range(30):
                db.execute("INSERT INTO keyed VALUES (?, ?, ?)", (f"a{n}", n, f"{n}" * n))
                db.execute(LONG, (n**5, f"{n} words " * n, n * 50))
            rest = path.read_bytes()
            db.execute("PRAGMA cache_size = 5")
            db.execute("BEGIN")
            db.execute("UPDATE wide SET t = t || t")
            db.execute("DELETE FROM messages WHERE id % 2")
            journal = Path(f"{path}-journal")
            yield store.page_size, {"": rest}
            if journal.exists():
                yield store.page_size, {"": path.read_bytes(), "-journal": journal.read_bytes()}


def hostile_files(seed: int) -> Files:
    """Return the files of a number, always the same."""
    random = Random(seed)
    page_size, files = random.choice(bases())
    made = Files(page_size, {suffix: bytearray(data) for suffix, data in files.items()})
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        if random.random() < 0.5:
            data = made.data[random.choice(list(made.data))]
            if len(data) > page_size:
                random.choice(MUTATIONS)(random, data)
        elif len(made.main) > page_size:
            random.choice(ATTACKS)(random, made)
    return made


# --- Bytes of any file ----------------------------------------------------------------------------


def bits(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 3, 30, 300])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def words(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 10, 100])):
        data[random.randrange(len(data))] = random.choice(WORDS)


def page_heads(random: Random, data: bytearray) -> None:
    """Fields of page headers and cell pointers."""
    for _ in range(random.choice([1, 10, 50])):
        at = random.randrange(len(data) // 512) * 512 + random.randrange(40)
        data[at] = random.choice(WORDS)


def numbers(random: Random, data: bytearray) -> None:
    """Page numbers, of this file or of none."""
    for _ in range(random.choice([1, 10, 50])):
        at = random.randrange(len(data) - 4)
        number = random.choice([*NUMBERS, random.randrange(len(data) // 512)])
        data[at : at + 4] = struct.pack(">I", number)


def pages(random: Random, data: bytearray) -> None:
    """Pages that are copies of others: loops, two parents, tables in tables."""
    for _ in range(random.choice([1, 5, 20])):
        to, source = (random.randrange(len(data) // 512) * 512 for _ in range(2))
        data[to : to + 512] = data[source : source + 512]


def length(random: Random, data: bytearray) -> None:
    del data[random.randrange(len(data)) :]


def header(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 5, 20])):
        data[random.randrange(100)] = random.choice(WORDS)


def noise(random: Random, data: bytearray) -> None:
    """A stretch of noise, zeros or one byte; now and then all of it."""
    begin = random.choice((0, random.randrange(len(data))))
    size = random.choice((512, 4096, 20_000, len(data)))
    end = min(begin + size, len(data))
    byte = bytes([random.choice(WORDS)])
    data[begin:end] = random.choice((random.randbytes(end - begin), byte * (end - begin)))


MUTATIONS: tuple[Mutation, ...] = (bits, words, page_heads, numbers, pages, length, header, noise)


# --- What means something -------------------------------------------------------------------------


def _put(data: bytearray, at: int, value: bytes) -> None:
    """Write over bytes, as far as there are any."""
    data[at : at + len(value)] = value[: max(0, len(data) - at)]


def _number(random: Random, files: Files) -> bytes:
    here = random.randrange(len(files.main) // files.page_size + 2)
    return struct.pack(">I", random.choice((here, here, here, *NUMBERS)))


def _pointers(files: Files, page: int) -> list[int]:
    """Return where the cells of a page begin in the file, by its pointers."""
    head = page + 100 * (page == 0)
    kind = files.main[head]
    begin = head + (INTERIOR_HEADER if kind in INTERIORS else 8)
    count = min(int.from_bytes(files.main[head + 3 : head + 5], "big"), files.page_size // 6)
    return [
        page + int.from_bytes(files.main[at : at + 2], "big")
        for at in range(begin, begin + 2 * count, 2)
    ]


def trees_that_loop(random: Random, files: Files) -> None:
    """Children of interior pages are the page itself, another one, or none of the file."""
    for page in files.pages(*INTERIORS):
        for cell in [page + 100 * (page == 0) + 8, *_pointers(files, page)]:
            if random.random() < 0.3:
                _put(files.main, cell, _number(random, files))


def leaves_that_lead_on(random: Random, files: Files) -> None:
    """Leaves become interior pages of a tree: every cell begins with a page number."""
    for page in files.pages(*LEAVES):
        if random.random() < 0.2:
            files.main[page + 100 * (page == 0)] = random.choice(INTERIORS)
            for cell in _pointers(files, page):
                _put(files.main, cell, _number(random, files))


def chains_that_loop(random: Random, files: Files) -> None:
    """Overflow pages lead to themselves, to each other, to pages of a tree."""
    for page in files.pages(0):
        if random.random() < 0.5:
            _put(files.main, page, random.choice((struct.pack(">I", page // files.page_size + 1),
                                                  _number(random, files))))  # fmt: skip


def cells_that_lie(random: Random, files: Files) -> None:
    """Lengths, rowids and headers of records that are huge, negative, or without end."""
    for page in files.pages(*LEAVES):
        for cell in _pointers(files, page):
            if random.random() < 0.1:
                _put(files.main, cell + random.randrange(6), random.choice(VARINTS))


def one_record_for_all(random: Random, files: Files) -> None:
    """All pointers of a page lead to one cell, or to cells that overlap."""
    for page in random.choices(files.pages(*LEAVES) or [0], k=5):
        cells = _pointers(files, page) or [page]
        to = random.choice(cells) - page
        begin = page + 100 * (page == 0) + 8
        for number in range(len(cells)):
            at = to if random.random() < 0.5 else to + number
            _put(files.main, begin + 2 * number, struct.pack(">H", at & 0xFFFF))


def header_that_lies(random: Random, files: Files) -> None:
    """Page size, reserved bytes, page count, freelist, auto-vacuum and encoding of page 1."""
    for field in random.sample(HEADER_FIELDS, random.choice((1, 3, 8))):
        value = struct.pack(">H", random.choice(PAGE_SIZES) & 0xFFFF)
        if field != 16:
            value = random.choice((_number(random, files), bytes([random.choice(WORDS)])))
        _put(files.main, field, value)


def freelist_that_loops(random: Random, files: Files) -> None:
    """Trunks that lead to themselves or each other, and list what is in use."""
    trunks = random.choices(files.pages()[1:] or [0], k=random.choice((1, 3)))
    for page, following in zip(trunks, [*trunks[1:], trunks[0]], strict=True):
        count = random.choice((0, 5, files.page_size // 4 - 2, 0xFFFFFFFF))
        listed = b"".join(_number(random, files) for _ in range(min(count, files.page_size // 4)))
        head = struct.pack(">II", following // files.page_size + 1, count)
        _put(files.main, page, (head + listed)[: files.page_size])
    _put(
        files.main, 32, struct.pack(">II", trunks[0] // files.page_size + 1, random.choice(NUMBERS))
    )


def _sums(data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    numbers = struct.unpack(f"<{len(data) // 4}I", data)
    for x, y in zip(numbers[::2], numbers[1::2], strict=True):
        first = first + x + second & 0xFFFFFFFF
        second = second + y + first & 0xFFFFFFFF
    return first, second


def sound_wal(random: Random, files: Files) -> None:
    """A -wal of which every checksum is right, and nothing else."""
    size = random.choice((files.page_size, files.page_size, *PAGE_SIZES[:4]))
    salts = random.randbytes(8)
    head = struct.pack(">IIII", WAL_MAGIC, 3007000, size, 0) + salts
    sums = _sums(head, (0, 0))
    made = bytearray(head + struct.pack(">II", *sums))
    for _ in range(random.choice((1, 5, 30))):
        page, commit = _number(random, files), random.choice((bytes(4), _number(random, files)))
        at = random.randrange(len(files.main))
        image = bytes(files.main[at : at + size]).ljust(size, b"\r")
        sums = _sums(page + commit + image, sums)
        made += page + commit + salts + struct.pack(">II", *sums) + image
    files.data["-wal"] = made


def journal_that_lies(random: Random, files: Files) -> None:
    """A journal whose header is one, with counts and sizes of its own."""
    sector = random.choice((512, 512, 32, 65536, 1, 0))
    size = random.choice((files.page_size, *PAGE_SIZES))
    count = random.choice((1, 20, 0, 0x7FFFFFFF, 0xFFFFFFFF))
    numbers = struct.pack(">II", count, 7) + _number(random, files)
    made = bytearray(
        (JOURNAL_MAGIC + numbers + struct.pack(">II", sector, size)).ljust(sector, b"\0")
    )
    for _ in range(random.choice((0, 3, 20))):
        at = random.randrange(len(files.main))
        image = bytes(files.main[at : at + size]).ljust(size, b"\n")
        checksum = 7 + sum(image[len(image) - 200 : 0 : -200])
        made += _number(random, files) + image + struct.pack(">I", checksum & 0xFFFFFFFF)
        if random.random() < 0.1:
            made += made[:sector].ljust(-len(made) % max(sector, 1), b"\0")
    files.data["-journal"] = made


SQL = (
    "", "\0", "CREATE", "CREATE TABLE", "CREATE TABLE {name}", "CREATE TABLE {name}(",
    "CREATE TABLE {name}()", "CREATE TABLE {name}(a, a, a)", "CREATE TABLE {name}(" + "(" * 9000,
    "CREATE TABLE {name}(x CHECK (" + "(" * 900 + "1" + ")" * 900 + "))",
    "CREATE TABLE {name}(" + ", ".join(f"c{n}" for n in range(3000)) + ")",
    "CREATE TABLE {name}(" + ", ".join(f"c{n} TEXT DEFAULT 'x'" for n in range(1900)) + ")",
    "CREATE TABLE {name}(a DEFAULT (hex(zeroblob(400000000))), b DEFAULT 1e999, c DEFAULT x'00')",
    "CREATE TABLE {name}(a, b AS (hex(zeroblob(400000000))) STORED, c AS (b || b) VIRTUAL)",
    "CREATE TABLE {name}(id INTEGER PRIMARY KEY AUTOINCREMENT, x) WITHOUT ROWID",
    "CREATE TABLE {name}(a, b, c, PRIMARY KEY (c, a, c)) WITHOUT ROWID, STRICT",
    "CREATE TABLE {name}(id INTEGER PRIMARY KEY, role TEXT NOT NULL CHECK (load_extension('x')))",
    "CREATE TABLE {name} AS SELECT * FROM {name}", "CREATE TABLE {name}(a); DROP TABLE messages",
    "CREATE VIRTUAL TABLE {name} USING fts5(content, tokenize='trigram', content='{name}')",
    "CREATE VIRTUAL TABLE {name} USING nothing(a, b)", "CREATE TEMP TABLE {name}(a)",
    "CREATE VIRTUAL TABLE messages_fts USING fts5(x, content='', columnsize=0, detail=none)",
    "CREATE INDEX {name} ON {name}({name})", "CREATE UNIQUE INDEX i ON messages(lower(content), 5)",
    "CREATE INDEX i ON messages(content) WHERE randomblob(1000000000)",
    "CREATE VIEW {name} AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
    " SELECT * FROM r", "CREATE VIEW {name} AS SELECT * FROM {name}",
    "CREATE TRIGGER {name} AFTER INSERT ON messages BEGIN DELETE FROM sessions; END",
    "CREATE TABLE \"{name}", "CREATE TABLE '{name}'(\"a\"\"b\", [c]], `d`)", "/*" * 5000,
    "--" + "\n--" * 5000, "CREATE TABLE {name}(a " + "COLLATE x " * 2000 + ")",
    "CREATE TABLE {name}(id TEXT, session_id TEXT, role TEXT, content TEXT, timestamp REAL)",
    "ATTACH '/tmp/hostile-attached.db' AS x", "PRAGMA writable_schema=1", "VACUUM INTO 'x'",
)  # fmt: skip
NAMES = ("messages", "sessions", "sqlite_sequence", "sqlite_master", "sqlite_stat1", "messages_fts",
         "messages_fts_data", "schema_version", "state_meta", "", "\0", "a'b", 'a"b', "x" * 3000,
         "../x", "ｍessages", "MESSAGES")  # fmt: skip


def schema_that_lies(random: Random, files: Files) -> None:
    """Rows of sqlite_master with other statements, names, kinds and roots."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        try:
            db.deserialize(bytes(files.main))
            db.execute("PRAGMA writable_schema=ON")
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
            for name in random.choices(names, k=random.choice((1, 3, 10))):
                said = random.choice((name, "messages", *NAMES))
                sql = random.choice(SQL).replace("{name}", said)
                root = random.choice((*NUMBERS, -1, 2**62, None, "x", random.randrange(200)))
                for column, value in (
                    ("sql", sql),
                    ("name", said),
                    ("tbl_name", random.choice(NAMES)),
                    ("type", random.choice(("table", "index", "view", "trigger", "", None, 5))),
                    ("rootpage", root),
                ):
                    if random.random() < (0.9 if column == "sql" else 0.2):
                        change = f"UPDATE sqlite_master SET {column} = ? WHERE name = ?"
                        db.execute(change, (value, name))
            files.data[""] = bytearray(db.serialize())
        except (sqlite3.Error, UnicodeDecodeError, MemoryError):
            return  # it is damaged already


ATTACKS: tuple[Callable[[Random, Files], object], ...] = (
    trees_that_loop, leaves_that_lead_on, chains_that_loop, cells_that_lie, one_record_for_all,
    header_that_lies, freelist_that_loops, sound_wal, journal_that_lies, schema_that_lies,
    schema_that_lies, schema_that_lies,
)  # fmt: skip
