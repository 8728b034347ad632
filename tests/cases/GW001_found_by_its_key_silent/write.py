from real_gateway import rotate, write

sessions = write("71", "72")
rotate(sessions["71"], "onward", key=True)
