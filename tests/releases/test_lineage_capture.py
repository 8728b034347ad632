"""After a repair the chat leads where it led: restart, lost routing, /new and /resume, for real.

The real ``SessionStore`` and the ownership check of /resume of 0.18.2 and 0.19.0 run on the home.
What they import and do not need here (HTTP clients) is stood in for.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.gateway_routing import Routing, Source, build_routing
from hermes_repair.lineage.fork_resolution import branch
from hermes_repair.lineage.links import LinkedSession, reopen_parent
from hermes_repair.model.plans import Safety
from tests.homes.by_releases import CONTINUED, PLAIN, build_fork
from tests.homes.home import execute_all
from tests.releases import run_release
from tests.releases.forks import SESSION_ROWS, read_fork, read_graph, select_rows, write

GATEWAY = """
import asyncio, json, pathlib, sys, types
class StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})
for name in ("requests", "httpx"):
    sys.modules[name] = StandIn(name)
from gateway.config import GatewayConfig, Platform
from gateway.session import SessionSource, SessionStore
from gateway.slash_commands import GatewaySlashCommandsMixin
home = pathlib.Path(sys.argv[1])
peer = SessionSource(platform=Platform.TELEGRAM, chat_id="7", user_id="u7", chat_type="dm")
def start():
    return SessionStore(home / "sessions", GatewayConfig())
def forget_routing(store):
    store._db._conn.execute("DELETE FROM gateway_routing")
    store._db._conn.commit()
    (home / "sessions" / "sessions.json").unlink(missing_ok=True)
"""

ADOPT = """
store = start()
key = store.get_or_create_session(peer).session_key
store.switch_session(key, sys.argv[2])
for sid in sys.argv[2:]:
    store._db.record_gateway_session_peer(
        sid, source="telegram", user_id="u7", session_key=key, chat_id="7", chat_type="dm")
"""

ASK = """
answer = {}
answer["restart"] = start().get_or_create_session(peer).session_id
store = start()
forget_routing(store)
answer["routing lost"] = start().get_or_create_session(peer).session_id
class Runner(GatewaySlashCommandsMixin):
    def __init__(self, store):
        self.session_store, self.config = store, store.config
        self._session_db = self
    async def get_session(self, sid):
        return self.session_store._db.get_session(sid)
store = start()
runner = Runner(store)
answer["resume"] = {
    sid: asyncio.run(runner._resume_target_allowed(peer, sid)) for sid in sys.argv[2:]}
key = store.get_or_create_session(peer).session_key
answer["new"] = store.reset_session(key).session_id
forget_routing(store)
answer["lost after new"] = start().get_or_create_session(peer).session_id
print(json.dumps(answer))
"""


def home_routing(home: Path) -> Routing:
    """Read the routing of a home from its three places."""
    connection = sqlite3.connect(home / "state.db")
    rows = select_rows(connection, "SELECT * FROM gateway_routing")
    connection.close()
    file = (home / "sessions" / "sessions.json").read_bytes()
    return build_routing(file, rows, scope=str((home / "sessions").resolve()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("capture")
    build_fork(folder / "plain", PLAIN)
    build_fork(folder / "continued", PLAIN + CONTINUED)
    return folder


@pytest.mark.parametrize("shape", ["plain", "continued"])
@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_a_rescued_half_never_takes_the_chat(
    version: str, shape: str, built: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(built / shape, home)
    # The worst case: the gateway once adopted both halves, so both carry its key and chat type.
    rescued = ["O"] if shape == "plain" else ["O", "O2"]
    run_release(version, GATEWAY + ADOPT, home, str(home), "L", *rescued)
    found = tmp_path / "found"
    shutil.copytree(home, found)

    routing = home_routing(home)
    assert {route.source for route in routing.current.values()} == {Source.DATABASE}
    assert routing.live_ids == {"L"}
    basis, fork = read_fork(home / "state.db", routing)
    resolved = branch(basis, fork, "L")
    assert resolved.safety is Safety.SAFE
    write(home / "state.db", resolved)

    answer: dict[str, Any] = json.loads(
        run_release(version, GATEWAY + ASK, home, str(home), "L", *rescued)
    )
    assert answer["restart"] == answer["routing lost"] == "L"
    assert answer["resume"] == dict.fromkeys(["L", *rescued], True)
    fresh = {answer["new"], answer["lost after new"]}
    assert fresh.isdisjoint({"P", "L", "O", "O2"})

    # Left as found, the same steps lead into the other half: the test sees what it looks for.
    before = json.loads(run_release(version, GATEWAY + ASK, found, str(found), "L"))
    assert before["routing lost"] == rescued[-1]


@pytest.mark.parametrize("keep_type", [False, True])
def test_chat_type_alone_would_take_the_chat(keep_type: bool, built: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(built / "plain", home)
    run_release("0.18.2", GATEWAY + ADOPT, home, str(home), "L", "O")
    basis, fork = read_fork(home / "state.db", home_routing(home))
    write(home / "state.db", branch(basis, fork, "L"))
    if keep_type:
        execute_all(home, "UPDATE sessions SET chat_type = 'dm' WHERE id = 'O'")
    answer = json.loads(run_release("0.18.2", GATEWAY + ASK, home, str(home)))
    assert (answer["lost after new"] == "O") is keep_type


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_a_reopened_parent_never_takes_the_chat(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    build_fork(home, PLAIN)
    execute_all(home, "UPDATE sessions SET parent_session_id = NULL WHERE id <> 'P'")
    run_release(version, GATEWAY + ADOPT, home, str(home), "L", "P")
    # switch_session reopens only L; P stays closed by compression, with nothing after it.
    graph = read_graph(home / "state.db")
    connection = sqlite3.connect(home / "state.db")
    (row,) = select_rows(connection, SESSION_ROWS, '["P"]')
    connection.close()
    resolved = reopen_parent(LinkedSession(graph, graph.nodes["P"], row, home_routing(home)))
    assert resolved.safety is Safety.UNSAFE
    write(home / "state.db", resolved)
    answer = json.loads(run_release(version, GATEWAY + ASK, home, str(home), "P"))
    assert answer["restart"] == answer["routing lost"] == "L"
    assert answer["lost after new"] not in {"P", "L", "O"}
    assert answer["resume"] == {"P": True}
