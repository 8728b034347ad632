"""The gateway's own routing of a release: which session a chat's next message goes to.

Nothing is imitated but the platform: ``gateway.session.SessionStore`` reads and writes
``sessions.json``, ``gateway_routing`` and the rows. HTTP clients that a release imports beside it,
and that nothing here calls, are stood in for. Times are of a day in May 2026, and no reset is due.
"""

import json
import os
import pathlib
import sys
import types
from datetime import datetime


class StandIn(types.ModuleType):
    """A module whose every name is an exception that nobody raises."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


for client in ("requests", "httpx"):
    sys.modules[client] = StandIn(client)

from gateway import session as gateway_session
from gateway.config import GatewayConfig, Platform, SessionResetPolicy
from rows import clock, db, say

HOME = pathlib.Path(os.environ["HERMES_HOME"])
FILE = HOME / "sessions" / "sessions.json"
gateway_session._now = lambda: datetime.fromtimestamp(clock())


def start():
    """Return a gateway that has just started."""
    config = GatewayConfig(
        sessions_dir=FILE.parent, default_reset_policy=SessionResetPolicy(mode="none")
    )
    return gateway_session.SessionStore(FILE.parent, config)


def peer(chat):
    """Return the person of a chat, or of a topic of one ("71/5")."""
    chat_id, _, topic = chat.partition("/")
    return gateway_session.SessionSource(
        platform=Platform.TELEGRAM,
        chat_id=chat_id,
        user_id=f"u{chat_id}",
        chat_type="dm",
        thread_id=topic or None,
    )


def hears(store, chat):
    """Return the session that the next message of ``chat`` goes to.

    The binding of a topic is followed as ``_handle_message_with_agent`` does (0.13.0 to 0.19.0).
    """
    entry = store.get_or_create_session(peer(chat))
    chat_id, _, topic = chat.partition("/")
    if topic:
        binding = store._db.get_telegram_topic_binding(chat_id=chat_id, thread_id=topic)
        if binding is None:
            bind(chat, entry.session_id)
        elif binding["session_id"] != entry.session_id:
            entry = store.switch_session(entry.session_key, binding["session_id"]) or entry
    return entry.session_id


def bind(topic, session):
    """Bind a topic to a session."""
    source = peer(topic)
    db.bind_telegram_topic(
        chat_id=source.chat_id,
        thread_id=source.thread_id,
        user_id=source.user_id,
        session_key=gateway_session.build_session_key(source),
        session_id=session,
    )


def write(*chats):
    """Let a new gateway hear two messages of each chat; return their sessions by chat."""
    store = start()
    sessions = {}
    for chat in chats:
        sessions[chat] = hears(store, chat)
        say(sessions[chat], f"Is {chat} the right number?", f"Yes, {chat} it is.")
    store._db.close()
    return sessions


def rotate(session, onward, *, key=False):
    """Compress a session, and let it go on in ``onward``, which is killed before it is routed.

    ``key``: with the identity of its chat, which releases up to 0.19 do not copy.
    """
    row = db.get_session(session)
    db.end_session(session, "compression")
    db.create_session(
        onward, source=row["source"], user_id=row["user_id"], parent_session_id=session
    )
    say(onward, "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted: a number.")
    say(onward, "And tomorrow?", "The same number.")
    db._conn.execute("UPDATE sessions SET api_call_count = 1 WHERE id = ?", (onward,))
    db._conn.commit()
    if key:
        bind_key(onward, session)


def bind_key(session, other):
    """Let a session be of the chat of another one."""
    row = db.get_session(other)
    db._conn.execute(
        "UPDATE sessions SET session_key = ?, chat_id = ?, chat_type = ? WHERE id = ?",
        (row["session_key"], row["chat_id"], row["chat_type"], session),
    )
    db._conn.commit()


def lead(chat, session):
    """Let the gateway believe that a chat leads to a session, whatever the rows say."""
    store = start()
    store._ensure_loaded()
    store._entries[gateway_session.build_session_key(peer(chat))].session_id = session
    store._save()
    store._db.close()


def lose(session):
    """Delete a session as a program does that knows nothing of what refers to it."""
    db._conn.execute("PRAGMA foreign_keys = OFF")
    db._conn.execute("DELETE FROM messages WHERE session_id = ?", (session,))
    db._conn.execute("DELETE FROM sessions WHERE id = ?", (session,))
    db._conn.commit()


def answers(*chats):
    """Print, for each chat, the session of its next message and how much it remembers.

    Both are null where the gateway fails on the message.
    """
    store = start()
    heard = {}
    for chat in chats:
        try:
            session = hears(store, chat)
        except OSError:
            heard[chat] = [None, None]
        else:
            heard[chat] = [session, len(store.load_transcript(session))]
    store._db.close()
    print(json.dumps(heard))
