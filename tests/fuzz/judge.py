"""One input: a home made from a number, the commands run on it, and what was wrong about that."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hermes_repair.cli.guard import run
from tests.cli.speaking import validator
from tests.fuzz import bytes_of, files_of, rows_of
from tests.fuzz.bytes_of import Hurt
from tests.fuzz.state import State, files_beside, state_of
from tests.homes.content import files
from tests.homes.small import SECRET

HURTS: tuple[Hurt, ...] = (*bytes_of.HURTS, *rows_of.HURTS, *files_of.HURTS)
LOOKS: tuple[tuple[str, ...], ...] = (
    ("repair", "--dry-run"),
    ("repair", "--dry-run", "--unsafe"),
    ("migrate", "--to", "22", "--dry-run"),
    ("doctor", "--deep"),
    ("doctor", "--for", "0.19.0"),
    ("backfill", "--report"),
    ("forks",),
    ("tree",),
    ("find", "good day"),
    ("locks", "list"),
    ("history",),
    ("backup", "list"),
)
WRITES: tuple[tuple[str, ...], ...] = (
    ("repair", "--yes"),
    ("repair", "--yes"),
    ("repair", "--yes", "--unsafe"),
    ("migrate", "--to", "22", "--yes"),
    ("backfill", "--yes"),
    ("locks", "clean"),
    ("backup",),
)
DOCUMENTS = {
    "backfill --report": "backfill-report",
    "backup": "backup",
    "backup list": "backup-list",
    "doctor": "doctor",
    "doctor --deep": "doctor",
    "doctor --for 0.19.0": "doctor",
    "find good day": "find",
    "forks": "forks",
    "history": "history",
    "locks clean": "locks-clean",
    "locks list": "locks-list",
    "migrate --to 22 --yes": "migrate",
    "repair --yes": "repair",
    "repair --yes --unsafe": "repair",
    "tree": "tree",
    "undo --yes": "undo",
}
DOCUMENTED = {"doctor": {0, 1, 4, 5}}
ENDINGS = {0, 4, 5}
NOTHING = ("There is nothing to undo.", "has nothing left to undo.")
SEARCH_STORAGE = ("_content", "_docsize")
JSON = "--json"
AS_TEXT = 0.3  # of the inputs: what is printed for people has to be clean too


@dataclass(frozen=True)
class Answer:
    """How one command ended, and what it printed."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str


def make(seed: int, bases: Sequence[Path], home: Path) -> list[str]:
    """Make the home of a number from one of ``bases``; return what was done to it."""
    random = Random(seed)
    shutil.copytree(random.choice(bases), home, symlinks=True)
    done = []
    for _ in range(random.choice([1, 1, 2, 3])):
        hurt = random.choice(HURTS)
        try:
            hurt(random, home)
        except (OSError, ValueError, IndexError):
            continue  # what it would hurt has been replaced by the one before
        done.append(f"{hurt.__module__.rpartition('.')[2]}.{hurt.__name__}")
    return done


def commands_of(seed: int) -> tuple[tuple[str, ...], ...]:
    """Return the command lines for the home of a number: two that look, or one that writes."""
    random = Random(-seed - 1)
    looking = random.random() < 0.4
    chosen = (("doctor",), random.choice(LOOKS)) if looking else (random.choice(WRITES),)
    return chosen if random.random() < AS_TEXT else tuple((*words, JSON) for words in chosen)


def judge(home: Path, commands: Sequence[tuple[str, ...]]) -> list[str]:
    """Run commands on a home; return what they did wrong, one sentence each."""
    found: list[str] = []
    for words in commands:
        writes = tuple(word for word in words if word != JSON) in WRITES
        found += _written(home, words) if writes else wrong_look(home, words)
    return found


def wrong_look(home: Path, words: tuple[str, ...]) -> list[str]:
    before = files(home)
    answer = say(home, words)
    found = wrong_answer(answer, home)
    if words[0] == "doctor" and answer.code == 0 and state_of(home).damage != 0:
        found.append(f"{' '.join(words)} finds nothing where integrity_check finds damage")
    after = files(home)
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [*found, f"{' '.join(words)} changed {names}"] if names else found


def _written(home: Path, words: tuple[str, ...]) -> list[str]:
    beside, held, known = files_beside(home), state_of(home), receipts(home)
    found = wrong_answer(say(home, words), home)
    found += [f"{' '.join(words)}: {wrong}" for wrong in made_worse(held, state_of(home))]
    # In a damaged file a table has two answers, and which one comes back is SQLite's. A search
    # index that lacks some of its triggers (FT004) has entries of messages that are gone, or of
    # their old ids, and SQLite refuses to give a message back whose entry is still there; one that
    # lacks some of its storage (FT003) takes no message at all.
    if held.damage == 0 and held.searched:
        found += _undone(home, held, words, known)
    if files_beside(home) != beside:
        found.append(f"{' '.join(words)} changed files beside the database")
    return found


def say(home: Path, words: tuple[str, ...]) -> Answer:
    """Run a command line in this process, off a terminal."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    sys.stdout, sys.stderr = streams
    try:
        code = run([*words, "--home", str(home)])
        for stream in streams:
            stream.flush()
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        gc.collect()  # what an error still holds open is closed, as at the end of a process
    out, err = (stream.buffer.getvalue().decode() for stream in streams)
    return Answer(words, code, out, err)


def wrong_answer(answer: Answer, home: Path) -> list[str]:
    """Return what no command may do, whatever the home."""
    name = " ".join(answer.words)
    found = []
    if answer.code not in DOCUMENTED.get(answer.words[0], ENDINGS):
        found.append(f"{name} exits {answer.code}: {(answer.out + answer.err)[-600:]}")
    if JSON in answer.words:
        found += _wrong_document(answer)
    printed = answer.out + answer.err
    # A damaged page may have a text where an id is asked for.
    if SECRET in printed and state_of(home).damage == 0:
        found.append(f"{name} prints conversation text")
    odd = {char for char in printed if not char.isprintable() and char != "\n"}
    if odd:
        found.append(f"{name} prints control characters {sorted(map(ord, odd))}")
    return found


def _wrong_document(answer: Answer) -> list[str]:
    name = " ".join(word for word in answer.words if word != JSON)
    try:
        document = json.loads(answer.out)
    except ValueError:
        return [f"{name} prints no document: {answer.out[:200]!r} {answer.err[:300]!r}"]
    schema = "error" if "error" in document else DOCUMENTS.get(name)
    wrong = next(validator(schema).iter_errors(document), None) if schema is not None else None
    if wrong is None:
        return []
    place = "/".join(map(str, wrong.absolute_path))
    return [f"{name}: document at {place}: {wrong.message[:200]}"]


def made_worse(before: State, after: State) -> list[str]:
    found = []
    if before.damage is not None and (after.damage is None or after.damage > before.damage):
        found.append(f"integrity_check found {before.damage} and finds {after.damage}")
    if before.references is not None and after.references is not None:
        more = after.references - before.references
        if more:
            found.append(f"new foreign key violations {dict(more)}")
    elif before.references is not None:
        found.append("foreign keys can no longer be checked")
    if before.texts is not None:
        lost = before.texts if after.texts is None else before.texts - after.texts
        if lost:
            found.append(f"{sum(lost.values())} messages are gone")
    return found


def receipts(home: Path) -> set[str]:
    """Return the names of the receipts in a home."""
    folder = home / "hermes-repair" / "receipts"
    return {path.name for path in folder.glob("*.db")} if folder.is_dir() else set()


def _undone(home: Path, before: State, words: tuple[str, ...], known: set[str]) -> list[str]:
    """Take back what receipts but the ``known`` hold; return what is not as it was."""
    name = " ".join(words)
    if words[0] == "locks":
        return []  # undo leaves the lock cleanings of a timer out
    for receipt in sorted(receipts(home) - known, reverse=True):
        # Without a name it would go on to an earlier run where this one did nothing.
        named = (receipt.removesuffix(".db"),) if known else ()
        answer = say(home, ("undo", *named, "--yes", JSON))
        wrong = wrong_answer(answer, home)
        if any(said in answer.out for said in NOTHING):
            continue  # a receipt of a run in which nothing was done
        if answer.code != 0:
            return [f"undo of {name} exits {answer.code}: {answer.out[-600:]}", *wrong]
        if wrong:
            return wrong
    after = state_of(home)
    if before.tables is None and after.tables is None:
        return []
    if before.tables is None or after.tables is None:
        return [f"undo of {name}: tables can be read before or after only"]
    # Where an index lacked messages before, what moved them there and back has them indexed.
    names = {*before.tables, *(n for n in after.tables if not n.endswith(SEARCH_STORAGE))}
    differing = sorted(n for n in names if before.tables.get(n) != after.tables.get(n))
    return [f"undo of {name} is not exact: {differing}"] if differing else []


def alone(folder: Path) -> None:
    """Let this process see no Hermes and no other user's files but ``folder``."""
    for variable in list(os.environ):
        if variable.startswith("HERMES_"):
            del os.environ[variable]
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), TZ="UTC")
