"""The SQL that turns a database into lineage values, set by set; ``store`` runs it.

Every builder takes the columns that exist (``pragma_table_xinfo``), because schema 11 to 22 differ
in them, and gives the same result columns whatever the schema.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

_NODE_DEFAULTS = {
    "source": "NULL",
    "parent_session_id": "NULL",
    "started_at": "NULL",
    "ended_at": "NULL",
    "end_reason": "NULL",
    "title": "NULL",
    "archived": "0",
    "session_key": "NULL",
    "chat_type": "NULL",
    "chat_id": "NULL",
    "message_count": "0",
    "api_call_count": "0",
    "rewind_count": "0",
}

WHITE_SPACE = "char(9, 10, 11, 12, 13, 32)"
"""What counts as leading white space, the same as in :mod:`hermes_repair.program_texts`."""

HEAD_ROWS = 16
"""How many rows of a session are its head; releases protect 3 messages there and a summary follows,
users may set more."""


def node_query(session_columns: Collection[str], message_columns: Collection[str]) -> str:
    """Return one statement for every session with the totals of its messages.

    Rows are what :func:`hermes_repair.lineage.session_node.node_from_row` takes. ``messages`` is
    read through its indexes only (``idx_messages_session``, from schema 14 ``..._session_active``).
    """
    picked = ", ".join(
        f"s.{name}" if name in session_columns else f"{default} AS {name}"
        for name, default in _NODE_DEFAULTS.items()
    )
    active = "SUM(m.active = 1)" if "active" in message_columns else "COUNT(*)"
    return (
        f"SELECT s.id, {picked}, {_markers(session_columns)}, "
        "COALESCE(t.row_count, 0) AS row_count, COALESCE(t.active_count, 0) AS active_count, "
        "t.last_message_at "
        "FROM sessions s LEFT JOIN ("
        f"SELECT m.session_id, COUNT(*) AS row_count, {active} AS active_count, "
        "MAX(m.timestamp) AS last_message_at FROM messages m GROUP BY m.session_id"
        ") t ON t.session_id = s.id ORDER BY s.rowid"
    )


def facts_query(message_columns: Collection[str], openings: Sequence[str]) -> str:
    """Return one statement for what a person's words look like in chosen sessions.

    Parameters: the program's own ``openings`` (``Harness.openings()``), then a JSON array of
    session ids. Result rows are what :func:`hermes_repair.lineage.person_proof.counts_from_row`
    takes: ``session_id``, ``genuine_users`` (different texts of role user that open with none of
    them), ``platform_rows`` (rows with an id of a message platform). Sessions without messages have
    no row.
    """
    begin = f"ltrim(m.content, {WHITE_SPACE})"
    opened = " OR ".join(f"substr({begin}, 1, {len(opening)}) = ?" for opening in openings)
    platform = "m.platform_message_id" if "platform_message_id" in message_columns else "NULL"
    return (
        "SELECT u.session_id, COUNT(DISTINCT CASE WHEN u.person THEN u.content END) "
        "AS genuine_users, COUNT(u.platform_id) AS platform_rows FROM ("
        "SELECT m.session_id, m.content, "
        f"{platform} AS platform_id, CASE WHEN m.role <> 'user' THEN 0 "
        f"WHEN COALESCE({begin}, '') = '' THEN 0 WHEN substr({begin}, 1, 1) NOT IN"
        f" ({_first_characters(openings)}) THEN 1 WHEN {opened} THEN 0 ELSE 1 END AS person "
        "FROM messages m WHERE m.session_id IN (SELECT value FROM json_each(?))"
        ") u GROUP BY u.session_id"
    )


def _first_characters(openings: Sequence[str]) -> str:
    """Return what openings begin with as SQL literals: most words of a person begin otherwise."""
    return ", ".join(sorted({"'" + opening[0].replace("'", "''") + "'" for opening in openings}))


def trace_query(carried: Sequence[str]) -> str:
    """Return one statement for what chosen sessions begin with.

    Parameters: the openings of what compression carries over (summaries and task lists), then a
    JSON array of session ids. Result columns: ``session_id``; ``carried``, whether one of the first
    rows opens so; ``alike``, whether its first message of a user is its parent's. Both look at the
    head only, which compression copies verbatim, and go through ``idx_messages_session``. The first
    rows are those of the lowest ids: from 0.17.0 on copies keep their times, so by time the summary
    comes after all of them.
    """
    begin = f"ltrim(m.content, {WHITE_SPACE})"
    opened = " OR ".join(f"substr({begin}, 1, {len(opening)}) = ?" for opening in carried)
    return (
        "SELECT s.id AS session_id, EXISTS (SELECT 1 FROM (SELECT k.id FROM messages k"
        f" WHERE k.session_id = s.id ORDER BY +k.id LIMIT {HEAD_ROWS}) h CROSS JOIN messages m"
        f" ON m.id = h.id WHERE m.role IN ('user', 'assistant') AND ({opened})) AS carried,"
        f" COALESCE(({_first_words('s.id')}) = ({_first_words('s.parent_session_id')}), 0) AS alike"
        " FROM sessions s WHERE s.id IN (SELECT value FROM json_each(?))"
    )


def first_words_query() -> str:
    """Return one statement for the first message of a user of chosen sessions.

    Parameter: a JSON array of session ids. Result columns: ``session_id``, ``content``.
    """
    return (
        f"SELECT s.id AS session_id, ({_first_words('s.id')}) AS content"
        " FROM sessions s WHERE s.id IN (SELECT value FROM json_each(?))"
    )


def _first_words(session: str) -> str:
    return (
        f"SELECT f.content FROM messages f WHERE f.session_id = {session} AND f.role = 'user'"
        " ORDER BY f.timestamp, f.id LIMIT 1"
    )


def _markers(session_columns: Collection[str]) -> str:
    """Return the columns about ``model_config``, guarded: SQLite raises on malformed JSON."""
    if "model_config" not in session_columns:
        return (
            "1 AS config_valid, 0 AS config_minified, NULL AS branched_from, NULL AS delegate_from"
        )
    config = "s.model_config"
    valid = f"typeof({config}) = 'text' AND json_valid({config})"
    return (
        f"{config} IS NULL OR ({valid}) AS config_valid, "
        f"CASE WHEN {valid} THEN json({config}) = {config} ELSE 0 END AS config_minified, "
        f"CASE WHEN {valid} THEN json_extract({config}, '$._branched_from') END AS branched_from, "
        f"CASE WHEN {valid} THEN json_extract({config}, '$._delegate_from') END AS delegate_from"
    )
