"""host.procfs and host.reach: parsers over recorded text, and who could open a file."""

from __future__ import annotations

import pytest

from hermes_repair.host import openers, procfs
from hermes_repair.host.filesystems import place, place_by_list
from hermes_repair.host.procfs import KernelLock, Stat, Status

STAT = "812 (tmux: a) b) S 1 812 812 0 -1 4194560 123 0 0 0 5 6 0 0 20 0 1 0 168661 1 2 3 0 0 0 0 0"
KTHREAD = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 24 0 0 0 0 0 0 0 0"
STATUS = """Name:\tpython3
State:\tS (sleeping)
Uid:\t1000\t1000\t1000\t1000
Gid:\t1000\t1000\t1000\t1000
Groups:\t4 24 1000
NSpid:\t8871\t7
CapEff:\t0000000000000000
"""
MOUNTS = r"""21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
22 21 0:20 / /proc rw,nosuid - proc proc rw,hidepid=invisible
23 21 0:50 / /mnt/my\040nas rw - nfs4 nas:/x rw,vers=4.2
24 21 0:51 /vol /home/u rw - btrfs /dev/sdb rw,subvol=/vol
25 21 0:60 / /d/c/merged rw - overlay overlay rw,lowerdir=/d/A:/d/B,upperdir=/d/c/diff
26 21 0:61 / /home/u/remote rw - fuse.sshfs u@h: rw
27 21 0:62 / /home/u/remote rw - tmpfs tmpfs rw
a broken line
"""
CONTAINER = """100 99 0:70 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b/diff
101 100 0:71 / /proc rw - proc proc rw
102 100 254:1 /srv /data rw - ext4 /dev/vdb rw
"""
LOCKS = """1: POSIX  ADVISORY  READ 8871 fe:00:2204258 128 128
2: POSIX  ADVISORY  WRITE 8872 fe:00:2204225 1073741826 1073742335
2: -> POSIX  ADVISORY  WRITE 8873 fe:00:2204225 1073741826 1073742335
3: FLOCK  ADVISORY  WRITE 900 00:1a:77 0 EOF
4: OFDLCK ADVISORY  READ -1 00:1a:78 0 EOF
5: LEASE  ACTIVE    READ 901 00:1a:79 0 EOF
"""


def test_stat_with_a_name_full_of_parentheses() -> None:
    assert procfs.parse_stat(STAT) == Stat("tmux: a) b", "S", 168661, False)
    assert procfs.parse_stat(KTHREAD).kernel_thread


def test_status() -> None:
    found = procfs.parse_status(STATUS)
    assert found == Status(frozenset({1000}), False, 2)
    capable = STATUS.replace("CapEff:\t0000000000000000", "CapEff:\t0000000000000004")
    assert procfs.parse_status(capable).reads_anything


def test_cmdline() -> None:
    assert procfs.parse_cmdline(b"") == ()
    assert procfs.parse_cmdline(b"a\0\xff\0\0") == ("a", "\\xff")


def test_mounts_and_what_lies_on_them() -> None:
    mounts = procfs.parse_mountinfo(MOUNTS)
    assert len(mounts) == 7
    assert place(mounts, "/etc/x").kind == "ext4"
    assert not place(mounts, "/mnt/my nas/.hermes/state.db").local
    home = place(mounts, "/home/u/.hermes/state.db")
    assert (home.kind, home.local, home.device, home.private) == ("btrfs", True, (0, 51), False)
    assert place(mounts, "/home/u/remote/state.db").kind == "tmpfs"  # the last one mounted there
    assert place(mounts, "/home/user2/state.db").kind == "ext4"  # not below /home/u
    layer = place(mounts, "/d/c/diff/root/.hermes/state.db")
    assert layer.layer_of == "/d/c/merged"
    assert place(mounts, "/d/B/state.db").layer_of == "/d/c/merged"
    assert place(mounts, "/d/Bee/state.db").layer_of is None
    assert place((), "/x").local is False


def test_the_root_layer_of_a_container_is_its_own() -> None:
    mounts = procfs.parse_mountinfo(CONTAINER)
    assert place(mounts, "/root/.hermes/state.db").private
    assert not place(mounts, "/data/state.db").private
    nested = CONTAINER + "103 101 0:72 / /proc rw - proc proc rw\n"  # unshare --mount-proc
    assert not place(procfs.parse_mountinfo(nested), "/root/state.db").private


def test_places_on_macos_and_windows() -> None:
    mac = [("/", "apfs", "rw,local"), ("/Volumes/nas", "smbfs", "rw")]
    assert place_by_list(mac, "/Users/u/.hermes/state.db").local
    assert not place_by_list(mac, "/Volumes/nas/state.db").local
    windows = [("C:\\", "NTFS", "rw,fixed"), ("Z:\\", "NTFS", "rw,remote")]
    assert place_by_list(windows, "c:\\Users\\u\\state.db").local
    assert not place_by_list(windows, "Z:\\state.db").local
    assert not place_by_list(windows, "\\\\server\\share\\state.db").local


def test_locks() -> None:
    found = procfs.parse_locks(LOCKS)
    assert found == (
        KernelLock("posix", 8871, (0xFE, 0), 2204258),
        KernelLock("posix", 8872, (0xFE, 0), 2204225),
        KernelLock("flock", 900, (0, 0x1A), 77),
        KernelLock("ofd", -1, (0, 0x1A), 78),
    )


def user(uid: int, *, capable: bool = False) -> Status:
    return Status(frozenset({uid}), capable, 1)


def process(name: str, state: str = "S", kernel: bool = False) -> Stat:
    return Stat(name, state, 1, kernel)


PRIVATE = ((0o600, 1000), (0o700, 1000), (0o755, 0))
SHARED = ((0o640, 1000), (0o755, 1000), (0o755, 0))


@pytest.mark.parametrize(
    ("pid", "stat", "status", "path", "expected"),
    [
        (50, process("python3"), user(0), PRIVATE, True),
        (50, process("python3"), user(2000, capable=True), PRIVATE, True),
        (50, process("python3"), user(1000), PRIVATE, True),
        (50, process("python3"), user(2000), PRIVATE, False),
        (50, process("python3"), user(2000), SHARED, True),
        (50, process("python3"), user(2000), (SHARED[0], PRIVATE[1], SHARED[2]), False),
        (50, process("cron"), user(0), PRIVATE, False),
        (50, process("cron2"), user(0), PRIVATE, True),
        (50, process("kworker/0:1", kernel=True), user(0), PRIVATE, False),
        (50, process("python3", state="Z"), user(0), PRIVATE, False),
        (1, process("anything"), user(0), PRIVATE, False),
    ],
)
def test_who_could_have_it_open(
    pid: int, stat: Stat, status: Status, path: tuple[tuple[int, int], ...], expected: bool
) -> None:
    assert openers.could_open(pid, stat, status, path) is expected
