"""The files of a home that a repair may write anew, as the executor asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.home.layout import ROUTING_LIMIT, Home
from hermes_repair.host.file_replacement import replace_file
from hermes_repair.host.regular_files import read_if_there


@dataclass(frozen=True, slots=True)
class FilesOfHome:
    """Files named relative to a home, or by their whole path where they lie outside it."""

    home: Home

    def read(self, path: str) -> bytes | None:
        return read_if_there(self.home.root / path, ROUTING_LIMIT)

    def write(self, path: str, data: bytes) -> None:
        replace_file(self.home.root / path, data)
