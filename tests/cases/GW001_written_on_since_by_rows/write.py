from real_gateway import rotate, say, write

session = write("71", "72")["71"]
rotate(session, "onward")
say(session, "And on Friday?", "Another one.")
