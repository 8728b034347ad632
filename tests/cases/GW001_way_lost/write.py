from real_gateway import FILE, db, rotate, write

sessions = write("71", "72")
rotate(sessions["71"], "onward")
db._conn.execute("DELETE FROM gateway_routing")
db._conn.commit()
FILE.unlink()
