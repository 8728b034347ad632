from real_gateway import FILE, write

write("71", "72")
FILE.unlink()
FILE.mkdir()
