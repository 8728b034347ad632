from real_gateway import write

write("71", "72")
