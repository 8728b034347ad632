from real_gateway import rotate, write

sessions = write("71")
rotate(sessions["71"], "onward")
