"""Invented conversations, as the dicts that an agent of a release keeps for one turn.

Shapes are those of ``run_agent.py`` 0.13.0 to 0.15.2: every assistant message has ``reasoning``
(null when there was none) and ``finish_reason``; a tool result has ``name`` alone up to 0.14.0 (so
its row has no ``tool_name``) and ``name`` with ``tool_name`` from 0.15.0 on.
"""

from __future__ import annotations

import base64
from typing import Any

Message = dict[str, Any]

KINDS = ("plain", "tool", "plain", "two tools", "reasoning", "codex", "cjk", "photo", "recalled")

_TOPICS = (
    ("the tomato bed", "Tomatenbeet 🍅", "番茄苗"),
    ("the night train to Vienna", "Nachtzug nach Wien 🚆", "夜行列車"),
    ("the leaking tap", "tropfender Hahn 🔧", "漏水的水龙头"),
    ("the bread recipe", "Sauerteigbrot 🥖", "パンのレシピ"),
    ("the photo archive", "Fotoarchiv für Opa 📷", "사진 보관함"),
    ("the bicycle tour", "Radtour über die Höhe 🚲", "自転車旅行"),
)


def turn(
    label: str, number: int, kind: str | None = None, *, tool_name: bool = False
) -> list[Message]:
    """Return the messages of turn ``number`` of the chat ``label``, the user's first.

    Equal arguments give equal messages; another label or number gives another text in every
    message. ``kind`` is one of ``KINDS`` (default: they take turns). ``tool_name`` says whether
    tool results carry the key of that name, as from 0.15.0 on.
    """
    kind = kind or KINDS[number % len(KINDS)]
    english, german, asian = _TOPICS[(number + len(label)) % len(_TOPICS)]
    mark = f"[{label} {number}]"
    ask: Message = {"role": "user", "content": f"{mark} What is next for {english}?"}
    answer = _assistant(f"{mark} Next for {english}: step {number}, then a break. — {german}")
    if kind == "plain":
        return [ask, answer]
    if kind == "tool":
        call = _call(mark, number, "terminal", f'{{"command": "ls ./{number}"}}')
        return [
            ask,
            _assistant("", calls=[call], reasoning=f"{mark} Look into the folder first."),
            _tool(call, f"{mark} notes-{number}.md\nNaïve Übersicht.txt\n✓ done\n", tool_name),
            answer,
        ]
    if kind == "two tools":
        calls = [
            _call(mark, number, "read_file", f'{{"path": "plan-{number}.md"}}'),
            _call(mark, number + 1000, "web_search", f'{{"query": "{german}"}}'),
        ]
        return [
            ask,
            _assistant(f"{mark} Two things at once.", calls=calls),
            _tool(calls[0], f'{{"lines": {number}, "ok": true}}', tool_name),
            _tool(calls[1], f"{mark} {asian}: 3 results", tool_name),
            answer,
        ]
    if kind == "reasoning":
        answer["reasoning"] = f"{mark} The user means {german}."
        answer["reasoning_content"] = f"{mark} The user means {german}."
        answer["reasoning_details"] = [
            {
                "type": "reasoning.text",
                "text": f"{mark} short",
                "signature": f"sig{number}",
                "index": 0,
            }
        ]
        return [ask, answer]
    if kind == "codex":
        answer["reasoning"] = f"{mark} encrypted elsewhere"
        answer["codex_reasoning_items"] = [
            {"type": "reasoning", "id": f"rs_{number}", "encrypted_content": f"gAAAA{number}=="}
        ]
        answer["codex_message_items"] = [
            {
                "type": "message",
                "id": f"msg_{number}",
                "phase": "final_answer",
                "status": "completed",
            }
        ]
        return [ask, answer]
    if kind == "cjk":
        ask["content"] = f"{mark} {asian}はどうなりましたか。👩‍🌾\n"
        answer["content"] = f"{mark} {asian}：第{number}步已经完成。\n\n谢谢！"
        return [ask, answer]
    if kind == "photo":
        pixels = base64.b64encode(f"not a picture {number}".encode()).decode()
        ask["content"] = [
            {"type": "text", "text": f"{mark} What is on this picture?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixels}"}},
        ]
        return [ask, answer]
    if kind == "recalled":
        # What a release strips when it reads: the block goes, the question stays.
        ask["content"] = (
            f"{mark} And {english}?\n\n<memory-context>\nlikes {german}\n</memory-context>"
        )
        return [ask, answer]
    raise ValueError(f"no such kind of turn: {kind}")


def _assistant(
    content: str, *, calls: list[Message] | None = None, reasoning: str | None = None
) -> Message:
    message: Message = {
        "role": "assistant",
        "content": content,
        "reasoning": reasoning,
        "finish_reason": "tool_calls" if calls else "stop",
    }
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return message


def _call(mark: str, number: int, name: str, arguments: str) -> Message:
    call_id = f"call_{mark.strip('[]').replace(' ', '_')}_{number}"
    return {
        "id": call_id,
        "call_id": call_id,
        "response_item_id": f"fc_{number}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _tool(call: Message, content: str, tool_name: bool) -> Message:
    name = call["function"]["name"]
    message: Message = {"role": "tool", "name": name}
    if tool_name:
        message["tool_name"] = name
    return {**message, "content": content, "tool_call_id": call["id"]}
