"""What a command is given from outside: time, randomness, environment. Nothing below reads them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from random import Random

PROGRESS_EVERY = 2.0  # seconds between two words about how far something is


class MachineZone(tzinfo):
    """The zone of this machine as the C library knows it, its summer times included."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        stamp = time.mktime((*moment.timetuple()[:8], -1 if not moment.fold else 0))
        return timedelta(seconds=time.localtime(stamp).tm_gmtoff)

    def tzname(self, moment: datetime | None) -> str | None:
        return time.tzname[0] if moment is not None else None

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None


@dataclass(frozen=True, slots=True)
class Environment:
    """The outside of one run. ``tell`` hears of progress, one plain sentence at a time."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random
    environ: Mapping[str, str]
    user_home: Path
    platform: str
    zone: tzinfo
    tell: Callable[[str], None] = field(default=lambda _sentence: None)

    def now_and_then(self) -> Callable[[str], None]:
        """Return a ``tell`` that passes a sentence on every two seconds, and drops the others."""
        last = self.now()

        def tell(sentence: str) -> None:
            nonlocal last
            if self.now() - last >= PROGRESS_EVERY:
                last = self.now()
                self.tell(sentence)

        return tell


def _user_home() -> Path:
    """Return the user's folder; the root of all for one without HOME whom the system does not know.

    That is what HOME is for him in a container.
    """
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def real_environment(tell: Callable[[str], None]) -> Environment:
    """Return the world as it is."""
    return Environment(
        now=time.time,
        sleep=time.sleep,
        random=Random(),
        environ=dict(os.environ),
        user_home=_user_home(),
        platform=sys.platform,
        zone=MachineZone(),
        tell=tell,
    )
