"""Writing to stdout, which may be a file on a full disk."""

from __future__ import annotations

import sys
from contextlib import suppress

from hermes_repair.model.errors import NotPrinted


def put(text: str) -> None:
    """Write text to stdout, at once.

    Raises ``BrokenPipeError`` where nobody reads it, and :class:`NotPrinted` where stdout takes
    nothing: the text has gone to stderr then, for it may say what was done.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
        raise NotPrinted(
            f"Cannot write to stdout: {error.strerror}. The output is above."
        ) from error
