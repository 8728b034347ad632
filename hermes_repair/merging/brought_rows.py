"""What the row of a session becomes when its chat is brought, and when the home's is continued.

A merge restores what was said, not who may write where: what is pending stays asleep, no chat of
the gateway is led elsewhere, and no token is counted twice (0.14.0 to 0.19.0, run).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hermes_repair.merging.brought_titles import HomeTitles, unmarked
from hermes_repair.merging.verdicts_of_chats import Bring, Link
from hermes_repair.model.values import Row, Value, number, text
from hermes_repair.schema.model_config import BRANCH_MARK, read_config, set_as_sqlite_does
from hermes_repair.schema.session_titles import MERGED, given_title

PEER = ("session_key", "chat_id", "chat_type", "thread_id")
"""What leads from a chat of the gateway to a session: from 0.18.2 on any of them alone does."""
TOKENS = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("reasoning_tokens", "api_call_count", "estimated_cost_usd", "actual_cost_usd"),
)
AT_REST: Mapping[str, Value] = {
    "handoff_state": None,  # 0.16 to 0.19 pick up a pending one at their next start
    "handoff_platform": None,
    "handoff_error": None,
    "compression_failure_cooldown_until": None,
    "compression_failure_error": None,
    "compression_fallback_streak": 0,
    "compression_ineffective_count": 0,
    "compression_overload_streak": 0,
    "compression_recovery_deadline": None,
}
_COUNTS = ("message_count", "tool_call_count")
_END = ("ended_at", "end_reason")
_AS_THERE = ("model", *_COUNTS)
_MONEY = ("estimated_cost_usd", "actual_cost_usd")


@dataclass(frozen=True, slots=True)
class Peers:
    """The chats of the gateway that a home knows: by key, and by (source, chat id)."""

    keys: frozenset[str]
    chats: frozenset[tuple[Value, Value]]

    def has(self, row: Row) -> bool:
        """Whether a session of the source was led to from one of them."""
        key, chat = row.get("session_key"), row.get("chat_id")
        return key in self.keys or (chat is not None and (row.get("source"), chat) in self.chats)


def brought(row: Row, bring: Bring, peers: Peers, titles: HomeTitles) -> dict[str, Value]:
    """Return the columns that a new session has otherwise than its row in the source.

    Of the result only the columns that the home has count.
    A fork, which begins with rows that were counted already, has no tokens.
    """
    changed: dict[str, Value] = {
        "id": bring.into,
        "parent_session_id": bring.parent if bring.link is Link.PARENT else None,
        "title": _title(row, bring, titles),
        **AT_REST,
    }
    if not bring.takes_end:
        changed |= {"ended_at": None, "end_reason": None}
    if bring.link is Link.BRANCH and bring.parent is not None:
        changed["model_config"] = _marked(row.get("model_config"), bring.parent)
    if bring.into != row.get("id"):
        changed |= {column: None if column in _MONEY else 0 for column in TOKENS}
    if peers.has(row):
        changed |= dict.fromkeys(PEER)
    return {column: value for column, value in changed.items() if row.get(column) != value}


def _title(row: Row, bring: Bring, titles: HomeTitles) -> Value:
    """Return a title that is free and by which no chat of the home is left for this one."""
    title = row.get("title")
    named = title if isinstance(title, str) else None
    is_branch = BRANCH_MARK in (read_config(row.get("model_config")) or {})
    above = bring.parent if bring.link is Link.PARENT and not is_branch else None
    leads_away = named is not None and titles.leads_away(named, above)
    if bring.link is not Link.BRANCH and not leads_away:
        if named is None:
            return title
        if named not in titles.taken:
            return named
    base = unmarked(named) if named is not None and leads_away else named
    return given_title(base, MERGED, number(row.get("started_at")), titles.taken)


def _marked(config: Value, parent: str) -> str:
    """Return a ``model_config`` with the mark of a branch of ``parent``."""
    known = read_config(config)
    if known is None:
        return set_as_sqlite_does(None, BRANCH_MARK, parent)
    if BRANCH_MARK not in known:
        return set_as_sqlite_does(config, BRANCH_MARK, parent)
    return json.dumps({**known, BRANCH_MARK: parent}, ensure_ascii=False)


def continued(
    home: Row, source: Row, bring: Bring, titles: HomeTitles
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return before and after of the columns of a home's session that goes on as in the source.

    How it ended, its model and its counts are the source's, tokens and rewinds the greater. A fork
    has no tokens of its own. A parent that the home has no more is not given back. A chat of the
    gateway that the home ended stays ended: open, it would be found again in place of its next one
    (``find_latest_gateway_session_for_peer``, 0.18.2 and 0.19.0).
    """
    is_fork = bring.into != source.get("id")
    of_gateway = any(home.get(column) is not None for column in PEER)
    stays_ended = of_gateway and home.get("ended_at") is not None and source.get("ended_at") is None
    as_there = (*_END, *_AS_THERE) if bring.takes_end and not stays_ended else _AS_THERE
    after: dict[str, Value] = {column: source.get(column) for column in as_there}
    greater = ("rewind_count",) if is_fork else ("rewind_count", *TOKENS)
    for column in greater:
        ours, theirs = number(home.get(column)), number(source.get(column))
        if theirs is not None and (ours is None or theirs > ours):
            after[column] = source.get(column)
    title = source.get("title")
    untitled = not is_fork and home.get("title") is None
    free = isinstance(title, str) and title not in titles.taken
    if untitled and free and not titles.leads_away(str(title), bring.into):
        after["title"] = title
    changed = {
        column: value
        for column, value in after.items()
        if column in home and column in source and home[column] != value
    }
    return {column: home[column] for column in changed}, changed


def usage(home: Row, source: Row) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return before and after of a row of ``session_model_usage``: the greater of every number.

    Both sides counted the same calls up to where they went apart, so their sum counts those twice.
    """
    changed: dict[str, Value] = {}
    for column, value in source.items():
        ours, theirs = number(home.get(column)), number(value)
        if theirs is None or (ours is not None and ours == theirs):
            continue
        wins = ours is None or (theirs < ours if column == "first_seen" else theirs > ours)
        if wins and column in home:
            changed[column] = value
    return {column: home[column] for column in changed}, changed


def peers_of(rows: Collection[Row], routed: Collection[str]) -> Peers:
    """Return the chats that lead to sessions of a home; ``routed`` are keys of its routing."""
    keys = {text(row.get("session_key")) for row in rows} | set(routed)
    chats = {(row.get("source"), row.get("chat_id")) for row in rows}
    return Peers(
        frozenset(key for key in keys if key),
        frozenset(pair for pair in chats if pair[1] is not None),
    )
