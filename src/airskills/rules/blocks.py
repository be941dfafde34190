"""AS3xx: code blocks. A block that does not parse can never have run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.folder import PYTHON, TEXT, Folder
from airskills.inline import Lines
from airskills.markdown import CodeBlock
from airskills.program import Program
from airskills.rules._base import Rule
from airskills.rules.profiles import CLIENTS, EVERYWHERE
from airskills.rules.shell import shell_problem
from airskills.rules.syntax import data_problem
from airskills.terms import data

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_BOTH = ("standard", *CLIENTS)
_FENCE_END = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*")
SHELL = frozenset({"bash", "sh", "shell", "zsh"})
KNOWN = PYTHON | SHELL | frozenset(data("languages"))
VARIED = 12  # different characters that a key has at least; `hf_xxxxxxxx` and `sk-your-key-here` have fewer


class _BlockRule(Rule):
    """Looks at every block of every Markdown file."""

    profiles = _BOTH

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for block in document.blocks:
                for line, message, help_ in self.look(block):
                    yield self.finding(document.path, line, message, help_)

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        """Yield (line, message, help) for one block."""
        raise NotImplementedError


class AS301(_BlockRule):
    """Code block has no language.

    Why: a block is checked, run and highlighted by its language. One without is never run, so it can rot unseen.
    """

    bad = _HEAD + "```\nprint(1)\n```\n"
    good = _HEAD + "```python\nprint(1)\n```\n"
    at = 7

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        if not block.language:
            yield (
                block.line,
                "The code block has no language",
                "Write ```python, or ```text for what is no code",
            )


class AS302(_BlockRule):
    """Code block has a language nobody knows.

    Why: `pyton` is checked by nothing and highlighted by nothing.
    """

    bad = _HEAD + "```pyton\nprint(1)\n```\n"
    good = _HEAD + "```python\nprint(1)\n```\n"
    at = 7

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        if block.language and block.language not in KNOWN:
            yield (
                block.line,
                f"The language {block.language[:40]!r} is not known",
                "Correct it, or write ```text",
            )


class AS303(Rule):
    """Python block does not parse.

    Why: it was never run. Top-level `await`, notebook lines (`%pip`, `!ls`), doctest prompts and dots for what is left out
    are understood.
    """

    severity = "error"
    profiles = _BOTH
    bad = _HEAD + "```python\nx = 1\nprint(x\n```\n"
    good = _HEAD + "```python\n%pip install trl\nresult = await fetch(timeout=3, ...)\n```\n"
    at = 9

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in _run(folder):
            if program.problem and program.cell.tree is None:
                line, message = program.problem
                yield self.finding(
                    program.path,
                    program.line + line - 1,
                    f"The Python block does not parse: {message}",
                    "Run it once; mark what is no code as ```text",
                )


class AS304(_BlockRule):
    """Shell block does not parse.

    Why: an agent pastes it into a terminal; an open quote hangs the terminal instead of failing.
    """

    severity = "error"
    bad = _HEAD + "```bash\necho 'one\n```\n"
    good = _HEAD + "```bash\necho 'one'\n```\n"
    at = 8

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        if block.language in SHELL:
            problem = shell_problem(block.text)
            if problem:
                yield (
                    block.first_line + problem[0] - 1,
                    f"The shell block does not parse: {problem[1]}",
                    "Run it once; mark what is no command as ```text",
                )


class AS305(_BlockRule):
    """JSON, YAML or TOML block does not parse.

    Why: it is copied into a file, and the tool that reads it fails far from here.
    """

    severity = "error"
    bad = _HEAD + '```json\n{"a": 1,}\n```\n'
    good = _HEAD + '```json\n{"a": 1}\n```\n'
    at = 8

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        problem = data_problem(block.language, block.text)
        if problem:
            line, message = problem
            yield (
                block.first_line + line - 1,
                f"The {block.language} block does not parse: {message}",
                "Correct it, or use ```jsonc or ```text",
            )


class AS306(Rule):
    """Secret stands in a file.

    Why: published keys are used within minutes; even a revoked one teaches agents to write keys into code.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "```bash\nexport HF_TOKEN=hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ12345678\n```\n"
    good = _HEAD + '```bash\nexport HF_TOKEN="$MY_TOKEN"\n```\n'
    at = 8
    _keys = tuple(
        re.compile(pattern)
        for pattern in (
            r"hf_[A-Za-z0-9]{30,99}",
            r"sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,200}",
            r"gh[pousr]_[A-Za-z0-9]{36,99}",
            r"github_pat_[A-Za-z0-9_]{60,99}",
            r"AKIA[0-9A-Z]{16}",
            r"AIza[0-9A-Za-z_-]{35}",
            r"xox[abpr]-[0-9A-Za-z-]{20,99}",
            r"glpat-[0-9A-Za-z_-]{20}",
            r"npm_[A-Za-z0-9]{36}",
            r"pypi-AgE[A-Za-z0-9_-]{50,300}",
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}",
        )
    )  # one by one: each begins with letters that the regular expression engine looks for first

    def check(self, folder: Folder) -> Iterator[Finding]:
        for file in folder.matching(*TEXT):
            content = folder.text(file.path)
            found = [key for pattern in self._keys for key in pattern.finditer(content) if _is_key(key)]
            if found:
                ends = Lines(content)
                for key in found:
                    message = f"A secret stands here ({key[0][:6]}...)"
                    help_ = "Revoke it, and read it from the environment"
                    yield self.finding(folder.at(file.path), ends.at(key.start()) + 1, message, help_)


def _is_key(found: re.Match[str]) -> bool:
    """Not the end of a longer word, and not `hf_xxxxxxxx` or `sk-your-key-here`."""
    before = found.string[found.start() - 1 : found.start()]
    return not (before.isalnum() or before == "_") and len(set(found[0])) > VARIED


class AS309(Rule):
    """Python block leaves code out.

    Why: three dots among arguments are an error to Python: the block cannot be run, so nobody knows whether it works.
    """

    bad = _HEAD + "```python\ntrain(model, lr=1e-4, ...)\n```\n"
    good = _HEAD + "```python\ntrain(model, lr=1e-4)\n```\n"
    at = 8

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in _run(folder):
            if program.problem and program.cell.tree is not None:
                line = program.line + program.problem[0] - 1
                yield self.finding(
                    program.path, line, "The block leaves arguments out", "Write them, so that it runs"
                )


class AS311(Rule):
    """Code fence is never closed.

    Why: everything after it is code to whoever reads Markdown: headings, links and instructions are gone.
    """

    profiles = _BOTH
    bad = _HEAD + "```python\nprint(1)\n"
    good = _HEAD + "```python\nprint(1)\n```\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            lines = document.text.split("\n")
            for block in document.blocks:
                fenced = block.first_line > block.line
                end = block.first_line + block.text.count("\n") - document.first_line
                if fenced and not (end < len(lines) and _FENCE_END.fullmatch(lines[end])):
                    message = f"The code fence is never closed; it takes in {block.text.count(chr(10))} lines"
                    yield self.finding(document.path, block.line, message, "Close it with a line of its own")


def _run(folder: Folder) -> Iterator[Program]:
    """The Python blocks that are meant to be run."""
    for program in folder.programs:
        if program.block and not program.block.attributes.get("proof", "").startswith("skip"):
            yield program
