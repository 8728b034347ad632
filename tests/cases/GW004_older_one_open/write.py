from real_gateway import lead, write

write("71", "72")
lead("71", "gone")
