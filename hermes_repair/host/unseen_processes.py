"""Whether a process that we may not inspect could have a file open. Pure.

Only asked for databases that are not in WAL mode: an idle connection holds no lock there, so the
descriptors of every process decide, and another user's are hidden from us. A process is left out of
account only when one of these holds:

- it is a kernel thread, or a zombie;
- it is process 1 of the machine (not of a container: there it may be Hermes);
- it is neither root, nor has it a capability to read any file, nor does the file or a folder above
  it let it through. Owners count as let through (they can change the mode), and so does everybody
  whom the group bits or the other bits could mean (an ACL is shown in the group bits);
- its name is one of the system programs below, which never open a file that they are not told to.

All else makes the answer unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from hermes_repair.host.procfs import Stat, Status

SYSTEM_PROGRAMS = frozenset(
    {
        *("(sd-pam)", "NetworkManager", "ModemManager", "Xorg", "Xwayland", "accounts-daemon"),
        *("acpid", "agetty", "atd", "auditd", "avahi-daemon", "bluetoothd", "chronyd", "colord"),
        *("containerd", "containerd-shim", "cron", "crond", "cupsd", "dbus-broker"),
        *("dbus-broker-lau", "dbus-daemon", "dhclient", "dhcpcd", "dnsmasq", "dockerd", "getty"),
        *("gdm3", "gdm-session-wor", "gpg-agent", "irqbalance", "iscsid", "lightdm", "login"),
        *("lvmetad", "mcelog", "multipathd", "ntpd", "polkitd", "power-profiles-", "rngd"),
        *("rpcbind", "rsyslogd", "rtkit-daemon", "sddm", "smartd", "ssh-agent", "sshd"),
        *("sshd-session", "su", "sudo", "switcheroo-cont", "systemd", "systemd-homed"),
        *("systemd-hostnam", "systemd-journal", "systemd-localed", "systemd-logind"),
        *("systemd-machine", "systemd-network", "systemd-oomd", "systemd-resolve"),
        *("systemd-timedat", "systemd-timesyn", "systemd-udevd", "systemd-userdbd"),
        *("systemd-userwor", "thermald", "udisksd", "upowerd", "wpa_supplicant"),
    }
)


def could_open(pid: int, stat: Stat, status: Status, path: Sequence[tuple[int, int]]) -> bool:
    """Whether this process could have the file open, by the rule above.

    ``path`` is (mode, uid) of the file and then of every folder above it. The caller has made
    sure that pids are those of the machine, not of a container.
    """
    if stat.kernel_thread or stat.state in "ZX" or pid == 1:
        return False
    if stat.name in SYSTEM_PROGRAMS:
        return False
    if 0 in status.uids or status.reads_anything:
        return True
    return all(
        uid in status.uids or bool(mode & (0o011 if depth else 0o044))
        for depth, (mode, uid) in enumerate(path)
    )
