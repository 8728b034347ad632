"""Folders that a program copies to other machines while files in them are in use."""

from __future__ import annotations

from pathlib import Path

# What these programs leave in the topmost folder that they copy.
_MARKS = {
    ".stfolder": "Syncthing",
    ".dropbox.cache": "Dropbox",
    ".sync_journal.db": "Nextcloud",
    ".tmp.driveupload": "Google Drive",
}
# Where macOS and Windows put them, whatever a user calls them.
_PLACES = {
    "Mobile Documents": "iCloud Drive",
    "CloudStorage": "a cloud drive",
    "OneDrive": "OneDrive",
    "iCloudDrive": "iCloud Drive",
}
_ONEDRIVE = "OneDrive - "  # and the name of a company


def synced_by(folder: Path) -> tuple[str, Path] | None:
    """Return what seems to copy an absolute folder elsewhere, and from which folder on.

    Told by names alone, those of the folder and of all above it; None where nothing tells.
    """
    for place in (folder, *folder.parents):
        program = _PLACES.get(place.name)
        if place.name.startswith(_ONEDRIVE):
            program = "OneDrive"
        marked = (name for mark, name in _MARKS.items() if (place / mark).exists())
        program = program or next(marked, None)
        if program is not None:
            return program, place
    return None
