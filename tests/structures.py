"""Write ``schema/db/structures.json`` anew, of the scripts: ``python -m tests.structures``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from hermes_repair.schema.catalogue import WRITTEN_STRUCTURES, read_scripts
from hermes_repair.schema.structure_document import to_document

SCHEMA = Path(__file__).resolve().parent.parent / "schema"


def written(schema: Path = SCHEMA) -> str:
    """Return the text of the document; each part of a structure has a line of its own."""
    document = to_document(read_scripts(schema))
    structures = document.pop("structures").items()
    lists = [f'"{name}":[\n{_lines(map(_json, parts))}\n]' for name, parts in document.items()]
    made = _lines(f"{_json(name)}:{_json(one)}" for name, one in structures)
    return "{\n" + _lines([*lists, f'"structures":{{\n{made}\n}}']) + "\n}\n"


def _lines(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    (SCHEMA / "db" / WRITTEN_STRUCTURES).write_text(written(), encoding="utf-8")
