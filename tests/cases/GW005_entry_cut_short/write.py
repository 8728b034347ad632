from real_gateway import FILE, db, write

session = write("71", "72")["71"]
FILE.unlink()
db._conn.execute(
    "UPDATE gateway_routing SET entry_json = substr(entry_json, 1, 40)"
    " WHERE session_key = 'agent:main:telegram:dm:71'"
)
db._conn.execute("UPDATE sessions SET session_key = NULL WHERE id = ?", (session,))
db._conn.commit()
