from chats import Chats

LIST = {"id": "c1", "type": "function", "function": {"name": "terminal", "arguments": "{}"}}
PHOTO = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

with Chats("2026-05-13 12:00") as chats:
    chats.turn(
        "discord sam",
        {"role": "user", "content": [{"type": "text", "text": "What bird is this?"}, PHOTO]},
        "A nuthatch.",
    )
    chats.turn(
        "discord sam",
        "Is there a list?\n\n<memory-context>\nlikes birds\n</memory-context>",
        {"role": "assistant", "content": "", "tool_calls": [LIST]},
        {"role": "tool", "name": "terminal", "content": "birds.txt", "tool_call_id": "c1"},
        {"role": "assistant", "content": "  Yes, birds.txt.\n"},
        title="Birds",
    )
    chats.turn("discord sam", "ok", "ok")
    chats.turn("discord sam", "ok", "ok")
