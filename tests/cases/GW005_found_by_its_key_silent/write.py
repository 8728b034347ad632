from real_gateway import FILE, db, write

write("71", "72")
FILE.unlink()
db._conn.execute(
    "UPDATE gateway_routing SET entry_json = substr(entry_json, 1, 40)"
    " WHERE session_key = 'agent:main:telegram:dm:71'"
)
db._conn.commit()
