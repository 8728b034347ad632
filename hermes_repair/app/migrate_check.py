"""``migrate --check``: whether the database is behind, for a hook before Hermes starts.

It runs no check and asks for nothing but the structure, so that it is over in a moment. Only where
a crash left a -wal it takes longer: that is joined in a private copy, as for every look.
"""

from __future__ import annotations

from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import (
    DOCTOR_SAYS_MORE,
    FileStatus,
    copy_private,
    quick_look,
    steady,
)
from hermes_repair.app.target_release import choose_target, installed_for, is_behind
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import Refused
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure import read_structure


def behind(home: Home, environment: Environment, to: int | None) -> bool:
    """Say whether ``migrate`` has something to do; takes no write lock and changes nothing.

    Raises :class:`Refused` or :class:`DatabaseUnreadable` where that cannot be told.
    """

    def answer(file_status: FileStatus) -> bool:
        if not file_status.facts.is_sqlite:
            raise Refused(f"{home.database} is not a SQLite database.", DOCTOR_SAYS_MORE)
        with quick_look(home, file_status, copy_private) as look:
            recognition = recognise(read_structure(look.rows))
        installed = installed_for(home, environment, file_status)
        return is_behind(recognition, choose_target(recognition, installed, to, force=True))

    return steady(home, environment, answer)
