"""AV201: command lines of shell blocks, against the command lines that the pinned packages' programs take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from airskills.markdown import CodeBlock
from airskills.verify.arguments import Rest, Verdict, judge
from airskills.verify.flags import Command
from airskills.verify.invocations import Invocation, invocation
from airskills.verify.ledger import Entry
from airskills.verify.shell import Word, command_lines
from airskills.verify.tools import Tools

SHELL = frozenset({"bash", "sh", "shell", "zsh"})
CONSOLE = frozenset({"console", "shell-session", "terminal"})
MAX_LAUNCHES = 4  # programs that launch a program that launches ...


def check_commands(
    path: str, blocks: Iterable[CodeBlock], tools: Tools, *, scripts: Mapping[str, str] | None = None
) -> list[Entry]:
    """Judge the flags, subcommands and values of every program that a pinned package brings.

    Args:
        path: the file that the blocks stand in.
        blocks: any blocks; those that are no shell are passed over.
        tools: the pinned packages.
        scripts: text of the skill's own Python files, by relative path.
    """
    found: list[Entry] = []
    for block in blocks:
        skipped = block.attributes.get("proof", "").startswith(("skip", "fails"))
        if block.language in SHELL | CONSOLE and not skipped:
            found += _of_block(path, block, tools, scripts or {})
    return found


def _of_block(path: str, block: CodeBlock, tools: Tools, scripts: Mapping[str, str]) -> Iterator[Entry]:
    for line in command_lines(block.text, prompts=block.language in CONSOLE):
        run = invocation(line)
        for verdict in _of_invocation(run, tools, scripts, MAX_LAUNCHES) if run else ():
            place = (path, block.first_line + verdict.word.line - 1, verdict.word.column)
            target = f"$ {verdict.program} {verdict.word.text.partition('=')[0]}" if verdict.program else ""
            if verdict.state == "proven":
                yield Entry(*place, use=verdict.message, target=target)
            else:
                code = "AV201" if verdict.state == "dead" else "AV203"
                yield Entry(
                    *place,
                    code,
                    verdict.message,
                    verdict.help,
                    verdict.state,
                    verdict.word.text[:80],
                    target=target,
                )


def _of_invocation(
    run: Invocation, tools: Tools, scripts: Mapping[str, str], launches: int
) -> Iterator[Verdict]:
    absent = tools.absent(run.name) if run.kind == "module" else ""
    command = None if absent else _command(run, tools, scripts)
    former = tools.former(run.name) if run.kind == "command" else None
    if absent:
        yield Verdict("dead", run.word, absent)
    if former is not None:
        package, successor = former
        message = f"{package.name} {package.version} has no command {run.name}"
        yield Verdict("dead", run.word, message, f"Write {successor}")
    if command is None:
        return
    name = f"python -m {run.name}" if run.kind == "module" else run.name
    for said in judge(name, command, run.words):
        if isinstance(said, Verdict):
            yield said
        elif said.words and launches:
            yield from _of_invocation(_launched(said), tools, scripts, launches - 1)


def _command(run: Invocation, tools: Tools, scripts: Mapping[str, str]) -> Command | None:
    if run.kind == "module":
        return tools.module(run.name)
    if run.kind == "file":
        text = scripts.get(run.name.removeprefix("./"))
        return None if text is None else tools.file(text)
    return tools.command(run.name)


def _launched(rest: Rest) -> Invocation:
    """What a launcher runs."""
    first: Word = rest.words[0]
    if rest.module:
        return Invocation("module", first.text, rest.words[1:], first)
    kind = "file" if first.text.endswith(".py") else "command"
    return Invocation(kind, first.text, rest.words[1:], first)
