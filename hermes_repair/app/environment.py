"""What a command is given from outside: home, time, randomness. Nothing below reads them itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from hermes_repair import host
from hermes_repair.home.layout import Home

if TYPE_CHECKING:
    from hermes_repair.records.folder import Folder

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
    """The outside of one run.

    ``tell`` hears of progress, one plain sentence at a time, ``reached`` how many steps of how many
    are done and stay.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random
    environ: Mapping[str, str]
    user_home: Path
    platform: str
    zone: tzinfo
    tell: Callable[[str], None] = field(default=lambda _sentence: None)
    reached: Callable[[int, int], None] = field(default=lambda _done, _number: None)

    def now_and_then(self) -> Callable[[str], None]:
        """Return a ``tell`` that passes a sentence on every two seconds, and drops the others."""
        last = self.now()

        def tell(sentence: str) -> None:
            nonlocal last
            if self.now() - last >= PROGRESS_EVERY:
                last = self.now()
                self.tell(sentence)

        return tell


@dataclass(frozen=True)
class Run:
    """One run of a command at one home: the home, and what the run takes from outside.

    The one context of ``app``: each of its functions that needs more than the home takes this.
    """

    home: Home
    environment: Environment

    @cached_property
    def folder(self) -> Folder:
        """Our folder of the home, with the owner that state.db has."""
        return folder_of(self.home)

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self.environment.now()


def folder_of(home: Home) -> Folder:
    """Return our folder of a home, with the owner that state.db has."""
    # Imported here: a `locks clean` that finds nothing to do has no use for records.
    from hermes_repair.records.folder import Folder
    from hermes_repair.records.owned_files import Ownership

    owner = host.owner(home.database) if home.database.exists() else None
    if owner is None or owner.uid < 0:
        return Folder(home.records, None)
    return Folder(home.records, Ownership(owner.uid, owner.gid, owner.user or str(owner.uid)))


def _user_home() -> Path:
    """Return the user's folder; the root of all for one without HOME whom the system does not know.

    That is what HOME is for him in a container.
    """
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def real_environment(
    tell: Callable[[str], None],
    reached: Callable[[int, int], None] = lambda _done, _number: None,
) -> Environment:
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
        reached=reached,
    )
