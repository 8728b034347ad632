import json

from real_gateway import FILE, write

write("71", "72")
chats = json.loads(FILE.read_text())
FILE.write_text(json.dumps({"agent:main:telegram:dm:70": True} | chats))
