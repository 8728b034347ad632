"""The machine: processes, who has a file open, kernel locks, owners, free space, service units.

Values out, one function per question, Linux, macOS and Windows behind it. What cannot be known is
said to be unknown, with the reason; nothing here guesses. Nothing here opens SQLite, and bytes of
databases are read by a child process only (:mod:`hermes_repair.host.byte_reader`).
"""

from hermes_repair.host.byte_reader import (
    WorkerFailed,
    copy_files,
    held,
    probe,
    read_wal,
    same_files,
)
from hermes_repair.host.filesystems import (
    Filesystem,
    Owner,
    can_write,
    differing_owner,
    filesystem,
    free_bytes,
    kernel_locks,
    owner,
    single_run,
)
from hermes_repair.host.held_files import copy_held, held_files
from hermes_repair.host.observations import (
    FileFacts,
    LockHolder,
    Openers,
    OpenStatus,
    ProcessInfo,
    Program,
    RawFacts,
)
from hermes_repair.host.openers import survey, survey_all, who_has_open
from hermes_repair.host.processes import boot, boot_time, hidden_processes, mapped_files, process
from hermes_repair.host.procfs import KernelLock
from hermes_repair.host.timers import (
    NIGHTLY,
    NOW_AND_THEN,
    Schedule,
    crontab_line,
    systemd_units,
)

__all__ = [
    "NIGHTLY",
    "NOW_AND_THEN",
    "FileFacts",
    "Filesystem",
    "KernelLock",
    "LockHolder",
    "OpenStatus",
    "Openers",
    "Owner",
    "ProcessInfo",
    "Program",
    "RawFacts",
    "Schedule",
    "WorkerFailed",
    "boot",
    "boot_time",
    "can_write",
    "copy_files",
    "copy_held",
    "crontab_line",
    "differing_owner",
    "filesystem",
    "free_bytes",
    "held",
    "held_files",
    "hidden_processes",
    "kernel_locks",
    "mapped_files",
    "owner",
    "probe",
    "process",
    "read_wal",
    "same_files",
    "single_run",
    "survey",
    "survey_all",
    "systemd_units",
    "who_has_open",
]
