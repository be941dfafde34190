"""AS3xx: code blocks. A block that does not parse can never have run."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator

import yaml

from airskills.finding import Finding
from airskills.folder import PYTHON, Folder
from airskills.markdown import CodeBlock
from airskills.rules._base import Rule
from airskills.rules.profiles import CLIENTS

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
_BOTH = ("standard", *CLIENTS)
SHELL = frozenset({"bash", "sh", "shell", "zsh"})
KNOWN = (
    PYTHON
    | SHELL
    | frozenset(
        [
            "bibtex",
            "c",
            "c++",
            "cmake",
            "cpp",
            "css",
            "csv",
            "cuda",
            "diff",
            "dockerfile",
            "go",
            "graphql",
            "hcl",
            "html",
            "http",
            "ini",
            "java",
            "javascript",
            "jinja",
            "jinja2",
            "js",
            "json",
            "json5",
            "jsonc",
            "jsonl",
            "julia",
            "jsx",
            "latex",
            "log",
            "lua",
            "make",
            "makefile",
            "markdown",
            "md",
            "mermaid",
            "mojo",
            "nginx",
            "output",
            "pem",
            "plaintext",
            "powershell",
            "promql",
            "proto",
            "protobuf",
            "pycon",
            "r",
            "regex",
            "ruby",
            "rust",
            "scss",
            "sql",
            "svg",
            "swift",
            "tex",
            "text",
            "toml",
            "ts",
            "tsv",
            "tsx",
            "txt",
            "typescript",
            "vim",
            "wat",
            "xml",
            "yaml",
            "yml",
            "console",
            "shell-session",
            "shellsession",
            "colang",
            "co",
            "fish",
            "bat",
            "cmd",
            "ps1",
            "yara",
            "kotlin",
            "scala",
            "perl",
            "php",
            "csharp",
            "cs",
            "dart",
            "elixir",
        ]
    )
)


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


class AS303(_BlockRule):
    """Python block does not parse.

    Why: it was never run. Top-level `await`, notebook lines (`%pip`, `!ls`) and doctest prompts are understood.
    """

    severity = "error"
    bad = _HEAD + "```python\nx = 1\nprint(x\n```\n"
    good = _HEAD + "```python\n%pip install trl\nresult = await fetch()\n```\n"
    at = 9

    def check(self, folder: Folder) -> Iterator[Finding]:
        for program in folder.programs:
            skipped = program.block is None or program.block.attributes.get("proof", "").startswith("skip")
            if not skipped and program.problem:
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
                    "Close the quote",
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


class AS306(_BlockRule):
    """Secret stands in a code block.

    Why: published keys are used within minutes; even a revoked one teaches agents to write keys into code.
    """

    severity = "error"
    profiles = ("spec", "standard", *CLIENTS)
    bad = _HEAD + "```bash\nexport HF_TOKEN=hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ12345678\n```\n"
    good = _HEAD + '```bash\nexport HF_TOKEN="$MY_TOKEN"\n```\n'
    at = 8
    _patterns = re.compile(
        r"\b(?:hf_[A-Za-z0-9]{30,}|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|gh[pousr]_[A-Za-z0-9]{36,}|AKIA[0-9A-Z]{16}"
        r"|AIza[0-9A-Za-z_-]{35}|xox[abpr]-[0-9A-Za-z-]{20,}|glpat-[0-9A-Za-z_-]{20})|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    )

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        for number, line in enumerate(block.text.split("\n")):
            found = self._patterns.search(line)
            if found and len(set(found[0])) > 8:
                yield (
                    block.first_line + number,
                    f"A secret stands here ({found[0][:6]}...)",
                    "Revoke it, and read it from the environment",
                )


class AS307(_BlockRule):
    """Remote code is trusted.

    Why: `trust_remote_code=True` runs whatever the repository holds today. Pinned to a `revision` it runs what was read.
    """

    bad = _HEAD + '```python\nmodel = load("org/model", trust_remote_code=True)\n```\n'
    good = _HEAD + '```python\nmodel = load("org/model", trust_remote_code=True, revision="3f2c1a9")\n```\n'
    at = 8

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        for number, line in enumerate(block.text.split("\n")):
            if (
                re.search(r"trust_remote_code\s*[=:]\s*[Tt]rue|--trust[-_]remote[-_]code\b", line)
                and "revision" not in block.text
            ):
                yield (
                    block.first_line + number,
                    "Remote code is trusted without a pinned revision",
                    'Add revision="<commit>", or leave it out',
                )


class AS308(_BlockRule):
    """Installation is not pinned.

    Why: the block was written for one release. Without `==` a reader gets another, and the code below it fails.
    """

    severity = "note"
    profiles = ("standard",)
    bad = _HEAD + "```bash\npip install trl peft\n```\n"
    good = _HEAD + "```bash\npip install trl==1.16.0 peft==0.21.2\n```\n"
    at = 8
    _command = re.compile(
        r"^\s*(?:[!%]\s*)?(?:uv\s+)?(?:python3?\s+-m\s+)?pip3?\s+install\s+(?P<rest>.*)$|^\s*uv\s+(?:tool\s+install|add)\s+(?P<rest2>.*)$"
    )

    def look(self, block: CodeBlock) -> Iterator[tuple[int, str, str]]:
        for number, line in enumerate(block.text.split("\n") if block.language in SHELL | PYTHON else []):
            match = self._command.match(line)
            names = _requirements((match["rest"] or match["rest2"] or "") if match else "")
            loose = [name for name in names if not re.search(r"==|@|~=|^\.|/|\.whl$|\.txt$|\$|<|>", name)]
            if loose:
                yield (
                    block.first_line + number,
                    f"The installation of {loose[0]!r} is not pinned",
                    f"Write {loose[0]}==VERSION",
                )


def _requirements(rest: str) -> list[str]:
    """Requirement words of a pip command line; options and what belongs to them are left out."""
    words = rest.split("#", maxsplit=1)[0].replace('"', "").replace("'", "").split()
    found: list[str] = []
    skip = False
    for word in words:
        if word in {"&&", "||", ";", "|", "\\"}:
            break
        if not skip and not word.startswith("-"):
            found.append(word)
        skip = word in {
            "-r",
            "-c",
            "-e",
            "-i",
            "-f",
            "--index-url",
            "--extra-index-url",
            "--find-links",
            "--target",
            "--python",
            "--prefix",
            "--requirement",
        }
    return found


def shell_problem(text: str) -> tuple[int, str] | None:
    """(line, message) of an unclosed quote, or None; here-documents and comments are left out."""
    source = _without_here_documents(text)
    lexer = shlex.shlex(source, posix=True, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    start = 1
    try:
        for token in lexer:
            start = lexer.lineno if token else start
    except ValueError as error:
        return min(start, text.count("\n") + 1), str(error).lower()
    return None


def _without_here_documents(text: str) -> str:
    """The lines outside here-documents, without comments; line numbers stay."""
    out: list[str] = []
    end = ""
    for line in text.split("\n"):
        if end:
            end = "" if line.strip() == end else end
            out.append("")
            continue
        found = re.search(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1", line)
        end = found[2] if found else ""
        out.append("" if line.lstrip().startswith("#") else re.sub(r"\s#[^'\"]*$", "", line))
    return "\n".join(out)


def data_problem(language: str, text: str) -> tuple[int, str] | None:
    """(line, message) of what keeps a JSON, JSON Lines, YAML or TOML block from parsing, or None."""
    try:
        if language == "json":
            json.loads(text)
        elif language == "jsonl":
            for number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    _json_line(line, number)
        elif language == "toml":
            tomllib.loads(text)
        elif language in {"yaml", "yml"}:
            return _yaml_problem(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return int(found[1]) if found else 1, str(error).partition(" (at")[0]
    except RecursionError:
        return 1, "nested too deeply"
    return None


def _json_line(line: str, number: int) -> None:
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(error.msg, "\n" * (number - 1) + line, number - 1 + error.pos) from error


def _yaml_problem(text: str) -> tuple[int, str] | None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > 100:
                return 1, "nested too deeply"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return (mark.line + 1 if mark else 1), str(getattr(error, "problem", "") or "not YAML")
    return None
