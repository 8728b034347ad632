"""What the two sides of a pair do after they went apart, and what both had before."""

from __future__ import annotations

RELEASES = ("0.14.0", "0.16.0", "0.18.2", "0.19.0")

BASES = {
    "two chats": "turn, b turn, tools, again, turn",
    "other chat last": "turn, tools, turn, b turn",
    "undone": "turn, b turn, turn, turn, undo, again",
    "rotated": "turn, turn, turn, b turn, rotate, turn",
    "branched": "turn, turn, BRANCH, turn, b turn",
    "young": "b turn, turn, turn, tools",
    "compacted": "turn, b turn, turn, turn, inplace, turn",
}
SHORT_BASES = ("two chats",)

ACTS = (
    "nothing",
    "turn",
    "again",
    "again, turn",
    "tools",
    "b turn",
    "reset, turn",
    "undo",
    "undo, again",
    "undo, turn",
    "undo, undo",
    "retry",
    "failed_retry",
    "delete",
    "delete, turn",
    "erase",
    "reset, turn, end, prune",
    "reset, turn, delete",
    "rotate",
    "rotate, turn",
    "turn, rotate, turn",
    "compress, turn",
    "BRANCH",
    "BRANCH, turn",
    "turn, BRANCH, turn",
    "delegate",
    "delegate, turn",
    "title",
    "title, turn",
    "end",
    "observed",
    "vacuum, turn",
    "ahead, turn",
    "behind, turn",
    "behind, reset, turn",
    "behind, undo, turn",
)
LATER = {
    "archive": "0.16.0",
    "archive, turn": "0.16.0",
    "edit": "0.16.0",
    "edit, undo": "0.16.0",
    "inplace": "0.18.0",
    "inplace, turn": "0.18.0",
    "turn, inplace, turn": "0.18.0",
    "inplace, undo": "0.18.0",
    "inplace, retry": "0.18.0",
    "undo, inplace, turn": "0.18.0",
    "rotate, inplace": "0.18.0",
}
SHORT = (
    "nothing",
    "turn",
    "undo",
    "retry",
    "delete",
    "rotate, turn",
    "BRANCH, turn",
)
"""Of the short run, each against each."""

MIGRATIONS = (
    ("0.14.0", "0.16.0"),
    ("0.14.0", "0.19.0"),
    ("0.16.0", "0.19.0"),
    ("0.18.2", "0.19.0"),
)
"""From which release to which one side is updated, while the other stays."""


def acts_of(release: str) -> tuple[str, ...]:
    """Return the acts that a release has."""
    return (*ACTS, *(act for act, since in LATER.items() if _number(since) <= _number(release)))


def bases_of(release: str) -> tuple[str, ...]:
    """Return the bases that it can make."""
    return tuple(
        name
        for name, acts in BASES.items()
        if "inplace" not in acts or _number(release) >= (0, 18, 0)
    )


def bases_updated(old: str, new: str) -> tuple[str, ...]:
    """Return the bases of which a newer release shows what the older one did.

    Up to 0.15 a branch has no mark; 0.17.0 and later hide it as a delegate's run when they update a
    home, so that it is shown on one side and not on the other.
    """
    hides = _number(old) < (0, 16, 0) and _number(new) >= (0, 17, 0)
    return tuple(name for name in bases_of(old) if not (hides and name == "branched"))


def listed(release: str, acts: str) -> list[str]:
    """Return acts one by one; a branch as this release makes it."""
    branch = "marked_branch" if _number(release) >= (0, 16, 0) else "branch"
    return [act.strip().replace("BRANCH", branch) for act in acts.split(",")]


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
