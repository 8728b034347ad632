from real_gateway import FILE, write

write("71", "72")
text = FILE.read_text()
FILE.write_text(text[: len(text) // 2])
