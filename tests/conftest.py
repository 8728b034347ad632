"""What every test process needs before its first test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let ^C reach the commands that tests start, also where the run itself was put aside.

    A shell starts a background job with SIGINT ignored, and a child inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
