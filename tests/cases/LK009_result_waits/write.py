from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
db._conn.execute(
    "INSERT INTO async_delegations (delegation_id, origin_session, parent_session_id, state,"
    " dispatched_at, completed_at, updated_at, delivery_state, owner_pid)"
    " VALUES ('run', 'chat', 'chat', 'completed', 1780000000, 1780000060, 1780000060,"
    " 'pending', 4200101)"
)
db._conn.commit()
