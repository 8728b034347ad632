"""What brings conversations back from a file that cannot be read as it is: only what works here."""

from __future__ import annotations

from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import find_remaining_files, sound_copies
from hermes_repair.model.commands_to_type import Hint, advice, command

LEAVE_IT = "Do not start Hermes with it."
SALVAGE = command("salvage")


def ways_back(scene: Scene) -> Hint:
    """Return the hint for a state.db that is damaged or gone: salvage, and sound copies.

    Where there is nothing to read in it, no file of chats and no copy, Hermes begins anew.
    """
    remaining = find_remaining_files(scene.home)
    copies = sound_copies(remaining)
    if scene.file.nothing_there and not remaining.files and not copies:
        return "There is nothing to bring back. Move state.db away; Hermes makes a new one."
    if scene.file.foreign and not remaining.files and not copies:
        return advice(
            f"{LEAVE_IT} `{{}}` shows whether anything of a database can be read in it. If not,"
            " move it away; Hermes makes a new one.",
            SALVAGE,
        )
    first = "Stop Hermes, and do not start it again." if scene.look.live else LEAVE_IT
    what = "the files of chats" if scene.file.nothing_there else "what can be read"
    text = f"{first} `{{}}` shows {what}, and makes a new database of that."
    named = [command("restore", str(copy.path)) for copy in copies]
    if named:
        text += f" A sound copy can be put back: {', '.join(['`{}`'] * len(named))}."
    others = [command("copies")] if remaining.copies else []
    text += " `{}` says what each copy has." if others else ""
    return advice(text, SALVAGE, *named, *others)
