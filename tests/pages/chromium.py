"""A real Chromium without a window, spoken to by its DevTools protocol over a pipe.

Debian: ``apt-get install chromium-headless-shell``. Nothing but the program itself is needed.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds for one answer; on a busy machine the first takes a few


def find_chromium() -> str | None:
    """Return the program, None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def browsing(program: str, folder: Path) -> Iterator[Page]:
    """Give one empty page of a browser that keeps what it keeps below ``folder``."""
    to_browser, write_end = os.pipe()
    read_end, from_browser = os.pipe()

    def as_three_and_four() -> None:
        commands, answers = os.dup(to_browser), os.dup(from_browser)  # above 4, whatever they were
        os.dup2(commands, 3)
        os.dup2(answers, 4)

    words = [
        program,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder}",
    ]
    process = subprocess.Popen(
        words,
        preexec_fn=as_three_and_four,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    page = Page(write_end, read_end)
    try:
        page.attach()
        yield page
    finally:
        with suppress(OSError):
            page.send("Browser.close", session=False)
        os.close(write_end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(read_end)


@dataclass
class Page:
    """One page. ``said`` is what the console, the network and the browser complained of."""

    write_end: int
    read_end: int
    said: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    _session: str | None = None
    _number: int = 0
    _buffer: bytes = b""
    _loaded: bool = False

    def attach(self) -> None:
        target = self.send("Target.createTarget", session=False, url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", session=False, targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, *, session: bool = True, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; raises ``RuntimeError`` for an error."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = self._session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.read_end], [], [], until - time.monotonic())
            data = os.read(self.read_end, 1 << 16) if ready else b""
            if not data:
                raise RuntimeError("the browser says nothing any more")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Log.entryAdded":
            self.said.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.said.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(params["args"]))
        elif method == "Network.requestWillBeSent":
            self.asked_for.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(self, path: Path) -> None:
        """Load a file, and wait until it stands."""
        self._loaded = False
        self.said.clear()
        self.asked_for.clear()
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not self._loaded:
            self._next()

    def wearing(self, *, wide: int = 1280, high: int = 900, dark: bool = False) -> None:
        """Give the window a size in CSS pixels, and the user a taste."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=wide,
            height=high,
            deviceScaleFactor=1 if wide > 600 else 2,
            mobile=wide < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def ask(self, expression: str) -> Any:
        """Return what a JavaScript expression is worth, as JSON."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def key(self, name: str) -> None:
        """Press and release one key."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=name,
                windowsVirtualKeyCode=codes[name],
                text="\r" if name == "Enter" and kind == "keyDown" else "",
            )

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page, of all of it or of what the window shows."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """Return the page as it is printed, a PDF."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"])
