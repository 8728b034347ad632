from chats import Chats, place_of

with Chats("2026-06-20 07:00", first=11) as chats:
    session = chats._entry(place_of("slack dana")).session_id
    said = [m for m in chats.store.load_transcript(session) if m["role"] != "session_meta"]
    summary = {"role": "user", "content": chats._summary(session, len(said))}
    chats.db.archive_and_compact(session, [said[0], summary, *said[-2:]])
