from real_gateway import FILE, write

write("71", "72")
assert '"_README"' in FILE.read_text()
