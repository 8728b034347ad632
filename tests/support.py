"""What tests share: where the repository is, its commands, and what a home without routing has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.main

from hermes_repair.cli.commands import app
from hermes_repair.gateway_routing import Routing

ROOT = Path(__file__).resolve().parent.parent


def command_tree() -> Any:
    """Return what typer makes of a command line, with the file of every command loaded."""
    tree: Any = typer.main.get_command(app)
    for command in tree.commands.values():
        _ = command.loaded
    return tree


def keep_command_tree() -> None:
    """Let typer make the tree once: it makes it of each command line, a quarter of a short one."""
    tree = command_tree()
    typer.main.get_command = lambda typer_instance: tree


def every_command() -> dict[str, Any]:
    """Return every command by its name: ``locks`` as well as ``locks clean``."""
    commands: dict[str, Any] = {}
    for name, deferred in command_tree().commands.items():
        commands[name] = deferred.loaded
        for part, command in getattr(deferred.loaded, "commands", {}).items():
            commands[f"{name} {part}"] = command
    return commands


NO_ROUTING = Routing({}, {}, {})
