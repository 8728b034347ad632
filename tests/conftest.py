"""What every test process needs before its first test."""

from __future__ import annotations

import signal

from hypothesis import settings

# Who runs the tests gets the examples that everybody gets; new ones are drawn by `make long`, and
# what they find becomes a case.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("random", derandomize=False, print_blob=True)
settings.load_profile("fixed")


def pytest_configure() -> None:
    """Let ^C and SIGHUP reach the commands that tests start, also where the run was put aside.

    A shell starts a background job with SIGINT ignored, nohup with SIGHUP; a child inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
