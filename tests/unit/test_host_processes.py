"""host.processes and host.commands: who a process is, since when, and what may be printed of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hermes_repair.host import Program, boot_time, process
from hermes_repair.host.processes import _psutil_process, classify, interpreter, shorten

HERMES = "/home/u/.hermes/hermes-agent/venv/bin/hermes"


@pytest.mark.parametrize(
    ("argv", "program", "profile"),
    [
        (["hermes", "gateway"], Program.GATEWAY, None),
        ([HERMES, "gateway", "run"], Program.GATEWAY, None),
        (["python3", HERMES, "-p", "work", "gateway", "run"], Program.GATEWAY, "work"),
        (
            ["python", "-m", "hermes_cli.main", "gateway", "run", "--profile=w"],
            Program.GATEWAY,
            "w",
        ),
        (["python", "-m", "hermes_cli.main", "gateway", "restart"], Program.GATEWAY, None),
        (["/usr/bin/python3.11", "/opt/h/gateway/run.py"], Program.GATEWAY, None),
        (["python", "-m", "gateway.run"], Program.GATEWAY, None),
        (["/usr/local/bin/hermes-gateway"], Program.GATEWAY, None),
        (["C:\\h\\Scripts\\hermes.exe", "gateway", "run"], Program.GATEWAY, None),
        (["hermes", "gateway", "status"], Program.HERMES, None),
        (["hermes"], Program.HERMES, None),
        (["hermes", "chat", "-q", "gateway"], Program.HERMES, None),
        (["python", "-m", "tui_gateway.entry"], Program.HERMES, None),
        (["python", "/opt/h/tui_gateway/run.py"], Program.HERMES, None),
        (["python", "/opt/h/run_agent.py"], Program.HERMES, None),
        (["/home/u/.hermes/hermes-agent/venv/bin/python", "-c", "x"], Program.HERMES, None),
        (["/usr/bin/python3", "/usr/bin/hermes-repair", "doctor"], Program.HERMES_REPAIR, None),
        (["python", "-m", "hermes_repair", "repair"], Program.HERMES_REPAIR, None),
        (["python", "-I", "-S", "/x/hermes_repair/host/byte_worker.py"], Program.BYTE_READER, None),
        (["python", "/x/hermes_repair/host/byte_worker.py"], Program.OTHER, None),
        (["vim", "hermes"], Program.OTHER, None),
        (["sqlite3", "/home/u/.hermes/state.db"], Program.OTHER, None),
        (["python", "-m"], Program.OTHER, None),
        ([], Program.OTHER, None),
    ],
)
def test_classify(argv: list[str], program: Program, profile: str | None) -> None:
    assert classify(argv) == (program, profile)


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        ([HERMES, "chat", "-q", "my secret question"], "hermes chat"),
        (["hermes", "tell me about gateway run"], "hermes"),
        (["hermes", "run my secret"], "hermes"),
        (
            ["python3", "-m", "hermes_cli.main", "gateway", "run"],
            "python3 -m hermes_cli.main gateway run",
        ),
        (["python3", "-c", "secret()"], "python3 ..."),
        (["sqlite3", "/home/u/secret.db"], "sqlite3 ..."),
        (["/opt/a\x1b[31m\nb/c\x1b]0;x\x07"], "c\\x1b]0;x\\x07"),
        (["x" * 200], "x" * 77 + "..."),
        (["vim"], "vim"),
        ([], ""),
    ],
)
def test_shorten(argv: list[str], text: str) -> None:
    assert shorten(argv) == text


@pytest.mark.parametrize(
    ("argv", "python"),
    [
        (["/v/bin/python", "-m", "hermes_cli.main"], "/v/bin/python"),
        (["/v/bin/python3.11", "/v/bin/hermes"], "/v/bin/python3.11"),
        (["C:\\v\\Scripts\\pythonw.exe", "x"], "C:\\v\\Scripts\\pythonw.exe"),
        (["python", "x"], ""),
        (["/usr/bin/node", "x"], ""),
        (["hermes"], ""),
        ([], ""),
    ],
)
def test_the_interpreter_is_told_by_an_absolute_path(argv: list[str], python: str) -> None:
    assert interpreter(argv) == python


def test_process_of_ours() -> None:
    found = process(os.getpid())
    assert found is not None and found.start_time is not None
    assert abs(found.start_time - psutil.Process().create_time()) < 1.0
    assert (found.same_namespace, found.zombie) == (True, False)
    # What Hermes 0.19 stores as owner_started_at.
    assert found.start_ticks == int(Path("/proc/self/stat").read_text().split(")")[-1].split()[19])
    assert found.start_tolerance in (1.0, 86400.0)


def test_no_such_process() -> None:
    for pid in (0, -1, 2**31, 4194304 + 5):
        assert process(pid) is None


def test_a_zombie_and_its_end() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        found = process(child.pid)
        assert found is not None and found.zombie
        elsewhere = _psutil_process(child.pid)
        assert elsewhere is not None and elsewhere.zombie
    assert process(child.pid) is None


def test_a_main_thread_that_ended_is_no_zombie() -> None:
    code = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(30,)).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        stat = Path(f"/proc/{child.pid}/stat")
        deadline = time.monotonic() + 10
        while ") Z " not in stat.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ") Z " in stat.read_text()
        found = process(child.pid)
        assert found is not None and not found.zombie
        child.send_signal(signal.SIGKILL)


def test_psutil_says_the_same() -> None:
    ours, theirs = process(os.getpid()), _psutil_process(os.getpid())
    assert ours is not None and theirs is not None
    assert ours.start_time is not None and theirs.start_time is not None
    assert abs(ours.start_time - theirs.start_time) < 1.0
    assert (ours.command, ours.program) == (theirs.command, theirs.program)
    assert _psutil_process(4194304 + 5) is None


def test_boot() -> None:
    assert abs(boot_time() - psutil.boot_time()) < 2.0
