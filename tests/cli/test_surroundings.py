"""Streams, locales, paths and variables as cron, a daemon or an old terminal leave them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.speaking import Said, assert_document, at_a_terminal, process_environ, say, spawn
from tests.command import run
from tests.forked import import_everything
from tests.homes.content import files
from tests.homes.home import opened
from tests.homes.small import HEALTHY, small_home
from tests.in_process import fixed_environment, repair

Capture = pytest.CaptureFixture[str]
ODD = "Café 😀"


def without_time_of_the_folder(home: Path) -> object:
    """Return every file of a home; the lock of a run that was refused came and went."""
    found = dict(files(home))
    del found["."]
    return found


def shell(folder: Path, words: str, **more: str) -> Said:
    """Run ``words`` of bash, in which ``hermes-repair`` is this program."""
    program = shlex.join([sys.executable, "-m", "hermes_repair"])
    done = subprocess.run(
        ["bash", "-c", words.replace("hermes-repair", program)],
        env=process_environ(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    out, err = (part.decode("utf-8", "surrogateescape") for part in (done.stdout, done.stderr))
    return Said(done.returncode, out, err)


@pytest.mark.parametrize(
    "words",
    ["doctor --json", "locks clean --json", "doctor", "locks list", "tree", "explain", "nonsense"],
)
def test_a_full_disk_under_stdout_is_no_finding(words: str, home: Path, tmp_path: Path) -> None:
    at = "" if words in ("explain", "nonsense") else f" --home {home}"
    said = shell(tmp_path, f"hermes-repair {words}{at} >/dev/full")
    assert said.code == (2 if words == "nonsense" else 4)
    assert "Traceback" not in said.err and said.err != ""
    said = shell(tmp_path, f"hermes-repair {words}{at} >/dev/full 2>&1")
    assert said.code == (2 if words == "nonsense" else 4)


@pytest.mark.parametrize("words", ["find heron -v", "locks install --systemd", "tree -v", "forks"])
def test_a_reader_that_goes_away_is_no_finding(words: str, home: Path, tmp_path: Path) -> None:
    gone = "exec 3> >(exec true); wait $!; "  # a pipe that nobody reads any more
    said = shell(tmp_path, f"{gone} hermes-repair {words} --home {home} >&3 2>&3")
    assert said.code == 0
    assert said.err == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("doctor >&-", 1),
        ("doctor --json >&-", 1),
        ("repair <&-", 4),
        ("repair --yes <&- >&- 2>&-", 0),
        ("tree nope 2>&-", 2),
    ],
)
def test_closed_streams(words: str, code: int, home: Path, tmp_path: Path) -> None:
    name, _, rest = words.partition(" ")
    said = shell(tmp_path, f"hermes-repair {name} --home {home} {rest}")
    assert said.code == code, said
    assert "defect" not in said.err and "Traceback" not in said.err
    with opened(home) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "words", [["doctor", "-v"], ["tree"], ["repair", "--dry-run"], ["locks", "list"]], ids=" ".join
)
def test_a_terminal_that_lacks_a_character(words: list[str], home: Path) -> None:
    with opened(home) as db:
        db.execute("UPDATE sessions SET title = ? || id", (ODD,))
    more = ["-v"] if words == ["tree"] else []
    said = at_a_terminal(home.parent, *words, *more, "--home", home, PYTHONIOENCODING="ascii")
    assert said.code in (0, 1) and "defect" not in said.out
    assert "Caf\\xe9" in said.out


def test_a_pipe_that_lacks_a_character(home: Path, tmp_path: Path) -> None:
    with opened(home) as db:
        db.execute("UPDATE messages SET session_id = ? WHERE session_id = ?", (ODD, HEALTHY))
        db.execute("UPDATE sessions SET id = ? WHERE id = ?", (ODD, HEALTHY))
    said = spawn(tmp_path, "find", "good day", "--home", home, PYTHONIOENCODING="ascii")
    assert said.code == 0 and "Caf\\xe9 \\U0001f600 (" in said.out


EACH = """
import json, os, sys
from hermes_repair.cli import main
from hermes_repair.schema.catalogue import default_catalogue
from tests.forked import import_everything
import_everything()
default_catalogue()
*commands, option, home = sys.argv[1:]
codes = []
for words in commands:
    child = os.fork()
    if not child:
        sys.argv[1:] = [*words.split(), option, home]
        main()
    _, status = os.waitpid(child, 0)
    codes.append(os.waitstatus_to_exitcode(status))
print(json.dumps(codes))
"""
"""What a locale makes of names and streams is made when Python starts: once for all commands."""


@pytest.mark.parametrize(
    ("name", "locale"),
    [
        (b"bad\xff", {}),
        ("Bücher".encode(), {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (b"a ?#%41'b", {}),
    ],
    ids=["bytes", "locale", "uri"],
)
def test_a_folder_with_any_name(name: bytes, locale: dict[str, str], tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/" + name
    small_home(tmp_path / "made", 13).rename(os.fsdecode(place))
    at = "--home \"$(printf '" + "".join(f"\\x{byte:02x}" for byte in place) + "')\""
    wanted = {
        "doctor": 1,
        "doctor --json": 1,
        "migrate --to 16 --yes": 0,
        "undo --yes": 0,
        "repair --dry-run": 0,
        "repair --yes --backup": 0,
        "history": 0,
        "locks list": 0,
        "locks clean": 0,
        "backfill --report": 0,
        "backup": 0,
        "backup list": 0,
        "find heron": 0,
        "tree": 0,
        "undo --yes -q": 0,
    }
    if locale:
        program = shlex.join([sys.executable, "-c", EACH, *wanted])
        done = shell(tmp_path, f"{program} {at}", **locale)
        codes = dict(zip(wanted, json.loads(done.out.splitlines()[-1]), strict=True))
        assert codes == wanted, done
    else:  # names alone are the same in a fork
        for words, code in wanted.items():
            ran = run(*words.split(), home=Path(os.fsdecode(place)))
            assert ran.code == code, (words, ran)
    said = shell(tmp_path, f"hermes-repair locks install --systemd {at}", **locale)
    assert said.code == (0 if name.isascii() else 4), "a timer cannot name every path"
    printed = shell(tmp_path, f"hermes-repair doctor {at} | grep -a '^Next: '", **locale).out
    command = printed.removeprefix("Next: ").strip()
    assert shell(tmp_path, command, **locale).code == 0, "the command is typed as it is printed"


@pytest.mark.parametrize(
    "words",
    [
        ["locks", "clean", "--grace", "nan"],
        ["locks", "clean", "--grace", "inf"],
        ["locks", "clean", "--max-age", "nan"],
        ["locks", "clean", "--max-age", "inf"],
        ["locks", "clean", "--max-age", "-1"],
        ["repair", "--dry-run", "--plan-out", "/nonexistent/x"],
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense(words: list[str], home: Path, capsys: Capture) -> None:
    said = say(capsys, *words, "--home", home)
    assert said.code == 2 and said.out == "" and ".part" not in said.err
    document = say(capsys, *words, "--home", home, "--json").document
    assert_document("error", document)
    assert document["home"] == str(home)


def test_an_empty_home_is_not_this_folder(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    for words in (["--home", ""], ["--home="], ["--home", " "]):
        said = say(capsys, "doctor", *words)
        assert said.code == 2 and "no folder is given" in said.err
    assert say(capsys, "doctor", "--home", ".").code == 1
    # Hermes 0.13.0 to 0.19.0 take an empty HERMES_HOME for none.
    monkeypatch.setenv("HERMES_HOME", " ")
    said = say(capsys, "doctor")
    assert said.code == 5 and str(Path.home() / ".hermes") in said.err


def test_a_profile_that_nobody_has_used_is_no_error(home: Path, capsys: Capture) -> None:
    (home / "profiles" / "new").mkdir(parents=True)
    (home / "profiles" / "made" / "sessions").mkdir(parents=True)
    every = ["--all-profiles", "--home", str(home)]
    said = say(capsys, "locks", "clean", *every)
    assert said.code == 0 and said.err == ""
    said = say(capsys, "locks", "clean", "-v", *every)
    assert said.code == 0 and said.out.count("Left out: ") == 2
    document = say(capsys, "locks", "clean", "--json", *every).document
    codes = [part.get("error", {}).get("exit_code") for part in document["profiles"]]
    assert codes == [None, 5, 5]
    (home / "profiles" / "new" / "state.db").write_text("no database")
    assert say(capsys, "locks", "clean", *every).code == 4
    # Transcripts without their database are no profile that nobody has used.
    lost = home / "profiles" / "made" / "sessions" / "20260101_000000_00000000.jsonl"
    lost.write_text('{"role": "user", "content": "x"}\n')
    said = say(capsys, "locks", "clean", *every)
    assert said.code == 4 and "1 transcript" in said.err


def test_no_database_anywhere(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "base" / "profiles" / "new").mkdir(parents=True)
    said = say(capsys, "doctor", "--all-profiles", "--home", tmp_path / "base")
    assert said.code == 5 and str(tmp_path / "base") in said.err


@pytest.mark.parametrize(
    "words",
    [["undo", "--yes"], ["undo", "7", "--yes"], ["repair", "--yes", "--session", "no such"]],
    ids=" ".join,
)
def test_a_refusal_leaves_no_folder(words: list[str], home: Path, capsys: Capture) -> None:
    before = without_time_of_the_folder(home)
    assert say(capsys, *words, "--home", home).code in (2, 4)
    assert without_time_of_the_folder(home) == before


@pytest.mark.parametrize("words", [["repair"], ["migrate", "--to", "16"]], ids=" ".join)
def test_a_no_leaves_no_folder(words: list[str], home: Path) -> None:
    said = at_a_terminal(home.parent, *words, "--home", home, typed="n\n")
    assert said.code == 0 and not (home / "hermes-repair").exists()


def test_a_repair_of_a_damaged_database_leaves_no_folder(home: Path, capsys: Capture) -> None:
    (home / "state.db").write_bytes(b"no database" * 1000)
    assert say(capsys, "repair", "--yes", "--home", home).code == 4
    assert not (home / "hermes-repair").exists()


def test_what_was_kept_stays(home: Path, tmp_path: Path, capsys: Capture) -> None:
    repair(home, fixed_environment(tmp_path))
    before = files(home / "hermes-repair")
    assert say(capsys, "undo", "77", "--yes", "--home", home).code == 2
    assert files(home / "hermes-repair") == before


WRITERS = {
    "undo --yes": "Undone: ",
    "migrate --to 16 --yes": "Done and verified",
    "repair --yes": "Done: ",
    "backup": "state.db",
}


@pytest.mark.parametrize("words", WRITERS)
def test_what_was_done_is_said_where_stdout_is_full(words: str, home: Path, tmp_path: Path) -> None:
    """Exit 4 alone would read as refused."""
    if words.startswith("undo"):
        repair(home, fixed_environment(tmp_path))
    said = shell(tmp_path, f"hermes-repair {words} --home {home} >/dev/full")
    assert said.code == 4 and WRITERS[words] in said.err, said
    assert said.err.endswith("space left on device. The output is above.\n")


def test_an_undo_is_a_document_where_stdout_is_full(home: Path, tmp_path: Path) -> None:
    repair(home, fixed_environment(tmp_path))
    said = shell(tmp_path, f"hermes-repair undo --yes --json --home {home} >/dev/full")
    document, _, sentence = said.err.rpartition("}\n")
    assert said.code == 4 and "Cannot write to stdout" in sentence
    assert json.loads(document + "}")["units"] > 0


def stand_in(kind: str, place: Path) -> None:
    """Put something in the way of our temporary folder below ``place``."""
    name = place / f"hermes-repair-{os.getuid()}"
    if kind == "file":
        name.write_text("x")
    elif kind == "fifo":
        os.mkfifo(name)
    else:
        name.symlink_to(place / ("gone" if kind == "dangling" else "other"))


@pytest.mark.parametrize("kind", ["file", "fifo", "dangling", "link"])
def test_something_else_in_the_place_of_the_temporary_folder(
    kind: str, home: Path, tmp_path: Path
) -> None:
    """Another folder is taken; only where there is none, it is said what is in the way."""
    temporary = tmp_path / "temporary"
    (temporary / "other").mkdir(parents=True)
    stand_in(kind, temporary)
    before = without_time_of_the_folder(temporary)
    done = run("repair", "--yes", home=home, environ={"TMPDIR": str(temporary)})
    assert done.code == 0, done
    assert without_time_of_the_folder(temporary) == before
    alone = f"""
from pathlib import Path
from hermes_repair.store import private_copies
private_copies.parents = lambda: (Path({str(temporary)!r}),)
"""
    assert run("undo", "--yes", home=home).code == 0
    said = spawn(tmp_path, "repair", "--yes", "--home", home, code=alone)
    assert said.code == 4 and "does not belong to this user" in said.err
    assert without_time_of_the_folder(temporary) == before


def test_a_user_without_a_folder_of_his_own(home: Path, tmp_path: Path) -> None:
    """A number that the system has no name for, as containers have, and no HOME."""
    nobody = "import os, pathlib\ndel os.environ['HOME']\n"
    nobody += "def _(): raise RuntimeError('no home')\npathlib.Path.home = staticmethod(_)\n"
    assert spawn(tmp_path, "doctor", "--home", home, code=nobody).code == 1
    assert spawn(tmp_path, "doctor", code=nobody).code == 5
    said = spawn(tmp_path, "doctor", HERMES_HOME="~nosuchuser/x")
    assert said.code == 2 and "there is no such user" in said.err


def kept_by_modules() -> dict[str, str]:
    """Return what the modules and classes of ours hold, but for functions and what they cache."""
    modules = [module for name, module in sys.modules.items() if name.startswith("hermes_repair")]
    holders = {module.__name__: module for module in modules} | {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    return {
        f"{holder}.{name}": f"{id(value)} {value!r}"
        for holder, owner in holders.items()
        for name, value in vars(owner).items()
        if not name.startswith("__") and not callable(value) and not isinstance(value, type(sys))
    }


def test_a_command_leaves_nothing_in_our_modules(home: Path, capsys: Capture) -> None:
    """So the commands of a test may run in one process, one after the other (tests/forked.py)."""
    import_everything()
    other = small_home(home.parent / "other", 13)
    for words in (["doctor"], ["repair", "--yes"], ["undo", "--yes"]):
        say(capsys, *words, "--home", other)
    before = kept_by_modules()
    assert len(before) > 500
    for words in (
        ["doctor", "-v"],
        ["repair", "--yes", "--backup"],
        ["undo", "--yes"],
        ["migrate", "--to", "16", "--yes"],
        ["find", "heron"],
        ["copies"],
        ["tree"],
        ["locks", "list"],
        ["nonsense"],
    ):
        say(capsys, *words, "--home", home)
    assert kept_by_modules() == before
