from chats import Chats

with Chats("2026-05-19 07:00") as chats:
    chats.turn("telegram max", "Tell me the weather every morning.", "At seven, gladly.")
    chats.turn("telegram max", "In Celsius.", "In Celsius.")

    # The agent has written the next turn to the database; a cron job mirrors its message to both
    # before the gateway writes that turn's lines.
    append = chats.store.append_to_transcript
    job = {"role": "assistant", "content": "Sunny, 19 degrees.", "mirror": True}

    def append_late(session_id, message, **how):
        chats.store.append_to_transcript = append
        append(session_id, {**job, "timestamp": message["timestamp"]})
        append(session_id, message, **how)

    chats.store.append_to_transcript = append_late
    chats.turn("telegram max", "And in the evening?", "At eight, then.")
    chats.turn("telegram max", "In Fahrenheit too.", "66, then.", flush=False)
    chats.turn("telegram max", "Thanks.", "With pleasure.")
