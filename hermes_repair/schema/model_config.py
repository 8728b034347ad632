"""``sessions.model_config`` as SQLite's JSON functions read and write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from hermes_repair.model.values import Value

DELEGATE_MARK = "_delegate_from"
BRANCH_MARK = "_branched_from"

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+', re.DOTALL)


def read_config(value: Value) -> Mapping[str, Any] | None:
    """Return the object, empty for NULL, ``None`` where the value is no text of a JSON object.

    Of two equal keys the first counts, as in ``json_extract``; NaN and Infinity are not JSON.
    """
    if value is None:
        return {}
    if not isinstance(value, str):
        return None
    try:
        config = json.loads(value, object_pairs_hook=_first_wins, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def set_as_sqlite_does(value: Value, key: str, mark: str) -> str:
    """Return what ``json_set(COALESCE(value, '{}'), '$.<key>', mark)`` returns.

    ``value`` is NULL or the text of a JSON object without ``key``. The text comes out minified;
    every number, escape and doubled key stays as it is.
    """
    text = "".join(_PIECE.findall(value if isinstance(value, str) else "{}"))
    member = f"{json.dumps(key)}:{json.dumps(mark, ensure_ascii=False)}"
    return text[:-1] + ("" if text == "{}" else ",") + member + "}"


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
