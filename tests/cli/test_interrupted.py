"""A signal at any import: the program ends in order, whether it has begun its work or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import alone, home
from tests.cli.speaking import process_environ

__all__ = ["alone", "home"]

AT_IMPORTS = """
import json, os, signal, sys, tempfile
from hermes_repair.cli import main

class Counting:
    '''Sends a signal to this process when the n-th module is looked for.'''
    def __init__(self, at, number):
        self.left, self.number, self.seen = at, number, []
    def find_spec(self, name, path=None, target=None):
        self.seen.append(name)
        if len(self.seen) == self.left:
            os.kill(os.getpid(), self.number)

def run(at, number):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            counting = Counting(at, number)
            sys.meta_path.insert(0, counting)
            code = 98
            try:
                main()
            except SystemExit as error:
                code = error.code
            except BaseException:
                code = 99
            sys.meta_path.remove(counting)
            if not at:
                os.write(1, ("\\n" + json.dumps(counting.seen)).encode())
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0), err.seek(0)
        return code, out.read().decode(), err.read().decode()

step, *sys.argv[1:] = sys.argv[1:]
names = json.loads(run(0, 0)[1].rpartition("\\n")[2])
ends = []
for at in range(1, len(names) + 1, int(step)):
    number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[len(ends) % 3]
    ends.append([names[at - 1], number, *run(at, number)])
print(json.dumps(ends))
"""


End = list[Any]  # module, signal, exit code, stdout, stderr


def ends(home: Path, step: int) -> list[End]:
    """Interrupt a doctor at each ``step``-th import; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORTS, str(step), "doctor", "--json", "--home", str(home)],
        env=process_environ(home.parent),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found: list[End] = json.loads(done.stdout)
    return found


def assert_in_order(found: list[End]) -> None:
    """Exit 130, said as JSON; where not even a signal can wait yet, without a word."""
    assert found[0][0] == "hermes_repair.cli.interrupts" and found[0][2:] == [130, "", ""]
    for module, number, code, out, err in found[1:]:
        assert code == 130, (module, number, out, err)
        assert json.loads(out)["error"]["exit_code"] == 130, (module, number)
        assert "Traceback" not in err and "ignored" not in err, (module, number, err)


def test_a_signal_at_imports(home: Path) -> None:
    found = ends(home, 29)
    assert len(found) > 8
    assert_in_order(found)


@pytest.mark.long
def test_a_signal_at_every_import(home: Path) -> None:
    found = ends(home, 1)
    assert {"hermes_repair.cli.guard", "typer", "hermes_repair.cli.commands"} <= {
        module for module, *_ in found
    }
    assert_in_order(found)
