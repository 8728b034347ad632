"""Two agents of 0.15.2 hold one conversation and compress it at the same moment, in two threads.

Everything is real but the model behind the compressor: ``AIAgent._compress_context`` and
``_flush_messages_to_session_db`` write, ``SessionStore`` routes. Prints the ids and what was said.
"""

import json
import os
import pathlib
import sys
import threading
import time

import run_agent
from agent.context_compressor import SUMMARY_PREFIX
from gateway.config import GatewayConfig, Platform
from gateway.session import SessionSource, SessionStore
from hermes_state import SessionDB

HEAD, TAIL = 3, 4
REVIEW = "Review the conversation above and update the skill library. Be ACTIVE."

home = pathlib.Path(os.environ["HERMES_HOME"])
db = SessionDB(home / "state.db")
store = SessionStore(home / "sessions", GatewayConfig(sessions_dir=home / "sessions"))
peer = SessionSource(platform=Platform.TELEGRAM, chat_id="7", user_id="u7", chat_type="dm")
entry = store.get_or_create_session(peer)
parent = entry.session_id
barrier = threading.Barrier(2, timeout=60)


def agent(session_id):
    made = run_agent.AIAgent(
        api_key="none",
        base_url="http://127.0.0.1:9/v1",
        model="example/model-1",
        quiet_mode=True,
        skip_memory=True,
        skip_context_files=True,
        session_id=session_id,
        session_db=db,
        platform="telegram",
        enabled_toolsets=[],
    )
    made._compression_feasibility_checked = True
    made._build_system_prompt = lambda message=None: "You are helpful."
    return made


def turn(words, tool=False):
    calls = [
        {"id": f"call {words}", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    ]
    between = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": f"files of {words}", "tool_call_id": calls[0]["id"]},
    ]
    return [
        {"role": "user", "content": f"ask {words}"},
        *(between if tool else []),
        {"role": "assistant", "content": f"answer {words}"},
    ]


def compress(who, together=True):
    """Return the stubbed compressor of one agent: what it keeps is what the real one keeps."""

    def run(messages, **_):
        summary = f"{SUMMARY_PREFIX}\nsummary by {who}"
        if together:
            barrier.wait()
        return [*messages[:HEAD], {"role": "user", "content": summary}, *messages[-TAIL:]]

    return run


class Talk:
    """One agent with the list of messages that it holds."""

    def __init__(self, who, session_id, messages):
        self.who, self.agent, self.messages = who, agent(session_id), list(messages)

    def say(self, new):
        self.messages += new
        self.agent._flush_messages_to_session_db(self.messages)
        time.sleep(0.02)

    def rotate(self, question, together=True):
        self.agent.context_compressor.compress = compress(self.who, together)
        asked = [*self.messages, question]
        self.messages, _ = self.agent._compress_context(asked, "You are helpful.")


first = Talk("first", parent, [])
for number in range(6):
    first.say(turn(f"before {number}", tool=number % 2 == 1))
db.set_session_title(parent, "Trip")

one, two = (Talk(who, parent, first.messages) for who in ("one", "two"))
threads = [
    threading.Thread(target=talk.rotate, args=({"role": "user", "content": f"ask {talk.who} 0"},))
    for talk in (one, two)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for talk in (one, two):
    talk.say([{"role": "assistant", "content": f"answer {talk.who} 0"}])

# The gateway goes on with one of them; the other has its list in memory and goes on as well.
live, other = one, two
entry.session_id = live.agent.session_id
store._save()
for number, talk in enumerate((other, live, other, live)):
    talk.say(turn(f"{talk.who} {number + 1}", tool=number in (1, 2)))

review = None
if "review" in sys.argv:
    # A background review shares the parent's id and rotates it again, turns later (#38727).
    late = Talk("review", parent, first.messages)
    late.rotate({"role": "user", "content": REVIEW}, together=False)
    late.say([{"role": "assistant", "content": "Nothing to save."}])
    review = late.agent.session_id
store._db.close()
db.close()
print(
    json.dumps(
        {
            "parent": parent,
            "live": live.agent.session_id,
            "other": other.agent.session_id,
            "review": review,
            "said": {
                talk.agent.session_id: [(m["role"], m["content"]) for m in talk.messages]
                for talk in (live, other)
            },
        }
    )
)
