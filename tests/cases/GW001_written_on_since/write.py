from real_gateway import hears, rotate, say, start, write

sessions = write("71")
rotate(sessions["71"], "onward")
store = start()
say(hears(store, "71"), "And on Friday?", "Another one.")
store._db.close()
