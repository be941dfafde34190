"""The shell blocks and configurations of a skill, against the programs of its pinned packages."""

from __future__ import annotations

from airskills.folder import Folder
from airskills.verify.commands import check_commands
from airskills.verify.configs import check_configs
from airskills.verify.ledger import Entry
from airskills.verify.tools import Tools


def check_blocks(folder: Folder, tools: Tools) -> list[Entry]:
    """What is said of every flag, subcommand, value and key, in the order of files and lines.

    Args:
        folder: the skill; its own scripts are judged by their source.
        tools: what its pins bring.
    """
    scripts = {file.path: folder.text(file.path) for file in folder.matching(".py")}
    found: list[Entry] = []
    for document in folder.documents:
        found += check_commands(document.path, document.blocks, tools, scripts=scripts)
        found += check_configs(document.path, document.blocks, tools)
    return sorted(found, key=lambda entry: (entry.path, entry.line, entry.column))
