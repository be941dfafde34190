"""What can be run in a skill: each code block, each half of a fact, each example, script and eval answer.

Nothing runs here. A unit has the id `skill/file.md:line` and says what must happen when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from airskills.cells import parse_cell
from airskills.finding import Finding
from airskills.folder import PYTHON, Folder
from airskills.markdown import CodeBlock, Markdown
from airskills.rules.blocks import SHELL
from airskills.rules.examples import metadata
from airskills.run.facts import CLAIMS, Fact, read_facts

Kind = Literal["blocks", "facts", "examples", "scripts", "evals"]
KINDS: tuple[Kind, ...] = ("blocks", "facts", "examples", "scripts", "evals")


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a unit does not run: a code AR2xx and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that can be run.

    Attributes:
        skill: its name.
        folder: absolute path of the skill.
        kind: one of `KINDS`.
        path: file relative to the skill; of an eval the folder of the answer.
        line: 1-based line of the fence or key that it stands under.
        title: what to call it besides its id.
        source: the Python, or "" where `command` runs.
        first_line: 1-based line of the first line of `source`.
        command: arguments after the interpreter; empty where `source` runs.
        group: units of one group run in order in one process.
        fails: what it must raise: a word of `AV0xx`, or a regular expression of `Type: text`.
        silent: an expression that must be true afterwards.
        warns: a regular expression that a warning or the output must match.
        status: the exit status that a command must have.
        requires: `cuda`, `network`, `api-key`.
        skip: why it does not run, if its author says so.
    """

    skill: str
    folder: str
    kind: Kind
    path: str
    line: int
    group: str
    title: str = ""
    source: str = ""
    first_line: int = 1
    command: tuple[str, ...] = ()
    fails: str | None = None
    silent: str | None = None
    warns: str | None = None
    status: int = 0
    requires: tuple[str, ...] = ()
    skip: Skip | None = None

    @property
    def id(self) -> str:
        """`skill/file.md:line`."""
        return f"{self.skill}/{self.path}:{self.line}"

    @property
    def file(self) -> str:
        """Absolute path of the file that findings name."""
        below = self.path if self.kind != "evals" else f"{self.path.rpartition('/')[0]}/check.py"
        return f"{self.folder}/{below}"


SHELL_SKIP = Skip("AR201", "`airskills verify` checks its flags")


@dataclass(frozen=True, slots=True)
class Suite:
    """A skill with its units.

    Attributes:
        folder: the skill.
        units: in the order of the files.
        findings: what cannot be made a unit (AR112), and what keeps the SKILL.md from being read.
    """

    folder: Folder
    units: tuple[Unit, ...]
    findings: tuple[Finding, ...] = field(default=())


def collect(folder: Folder) -> Suite:
    """Every unit of a skill."""
    facts, findings = read_facts(folder)
    answers, missing = _answers(folder)
    units = [*_blocks(folder), *_facts(folder, facts), *_commands(folder), *answers]
    unreadable = [folder.problem] if folder.problem else []
    return Suite(folder, tuple(units), (*unreadable, *findings, *missing))


def _blocks(folder: Folder) -> Iterator[Unit]:
    for document in folder.documents:
        path = document.path.removeprefix(f"{folder.path}/")
        for block in document.blocks:
            if block.language in PYTHON or block.language in SHELL:
                yield _block(folder, path, block, _section(document, block))


def _section(document: Markdown, block: CodeBlock) -> int:
    """Number of the section of level 2 (or 1) that a block stands in."""
    return sum(heading.level <= 2 and heading.line < block.line for heading in document.headings)


def _block(folder: Folder, path: str, block: CodeBlock, section: int) -> Unit:
    word, _, reason = block.attributes.get("proof", "").partition(":")
    source = _source(block.text)
    skip = _declared(block.attributes.get("proof", "")) if word in {"static", "skip"} else None
    if block.language in SHELL:
        skip = SHELL_SKIP
    elif skip is None and source is None:
        skip = Skip("AR207", "It holds notebook magics")
    return Unit(
        folder.name,
        folder.path,
        "blocks",
        path,
        block.line,
        group=f"{path}#{section}",
        source=block.text if source is None else source,
        first_line=block.first_line,
        fails=reason.strip() if word == "fails" else None,
        skip=skip,
    )


def _source(text: str) -> str | None:
    """A block without prompts and indent; as it stands where it has a fault; None where it needs a notebook."""
    cell = parse_cell(text)
    if cell.problem is not None:
        return text
    lines = zip(text.split("\n"), cell.source.split("\n"), strict=True)
    is_whole = all(written.endswith(read) for written, read in lines) and (
        cell.source.strip() or not text.strip()
    )
    return cell.source if is_whole else None


def _facts(folder: Folder, facts: list[Fact]) -> Iterator[Unit]:
    for fact in facts:
        for half in ("old", "new"):
            text, line, first = getattr(fact, half)
            claim = {
                name: fact.expression if (half, name) == ("old", fact.claim) else None for name in CLAIMS
            }
            yield Unit(
                folder.name,
                folder.path,
                "facts",
                "facts.yaml",
                line,
                group=f"facts.yaml#{line}",
                title=f"{fact.id} {half}",
                source=text,
                first_line=first,
                skip=_declared(fact.proof),
                fails=claim["fails"],
                silent=claim["silent"],
                warns=claim["warns"],
            )


def _declared(proof: str) -> Skip | None:
    word, _, reason = proof.partition(":")
    return (
        Skip("AR201" if word == "static" else "AR202", reason.strip() or "no reason given") if proof else None
    )


def _commands(folder: Folder) -> Iterator[Unit]:
    kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (("examples", ()), ("scripts", ("--help",)))
    for kind, arguments in kinds:
        for file in folder.matching(".py", under=kind):
            yield Unit(
                folder.name,
                folder.path,
                kind,
                file.path,
                1,
                group=file.path,
                title=" ".join(arguments),
                command=(folder.at(file.path), *arguments),
                requires=() if arguments else requirements(folder.text(file.path)),
            )


def requirements(text: str) -> tuple[str, ...]:
    """The `requires` of `[tool.airskills]` in a script's PEP 723 block; what has another shape is for `check` to say."""
    tool = (metadata(text) or {}).get("tool", {})
    table = tool.get("airskills", {}) if isinstance(tool, dict) else {}
    listed = table.get("requires", []) if isinstance(table, dict) else []
    return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()


def _answers(folder: Folder) -> tuple[list[Unit], list[Finding]]:
    units, findings = [], []
    for file in folder.matching("/check.py", under="evals"):
        task = file.path.rpartition("/")[0]
        for answer, status in (("reference", 0), ("wrong", 1)):
            path = f"{task}/{answer}"
            if not any(True for _ in folder.matching("", under=path)):
                message = f"The eval has no answer {path}"
                findings.append(Finding(folder.at(file.path), 1, 1, "AR112", message, "Add a file to it"))
                continue
            units.append(
                Unit(
                    folder.name,
                    folder.path,
                    "evals",
                    path,
                    1,
                    group=path,
                    command=(folder.at(file.path), folder.at(path)),
                    status=status,
                )
            )
    return units, findings
