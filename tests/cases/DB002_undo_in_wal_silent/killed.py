from chats import Chats

chats = Chats("2026-06-03 19:00")
chats.undo("telegram ana")
chats.killed()
