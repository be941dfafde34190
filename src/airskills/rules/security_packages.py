"""AS707, AS720, AS721: where packages come from, what they are called, and which tools a skill asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import SKILL_FILE, Rule
from airskills.rules.profiles import EVERYWHERE
from airskills.rules.security_code import acts
from airskills.rules.security_known import known
from airskills.rules.security_lines import SHELL
from airskills.rules.security_patterns import words
from airskills.rules.security_scene import Scene, scene
from airskills.rules.security_sources import NPM, PIP, foreign

_REQUIREMENTS = re.compile(r"(?:^|/)requirements[\w-]*\.(?:txt|in)$")
_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"


class AS707(Rule):
    """Package comes from an unpinned address or a foreign index.

    Why: what lies at an address or in an unknown index can change after the skill was read. A commit, a tag or a hash
    pins it; repositories of well-known projects and the indexes of the ecosystem are known (`data/security.json`).

    Cisco: supply chain. Snyk: W012, E005. OWASP agentic: ASI04.
    """

    profiles = EVERYWHERE
    bad = _HEAD + "```bash\npip install https://example.org/kit.tar.gz\n```\n"
    good = _HEAD + "```bash\npip install git+https://github.com/huggingface/trl@v1.16.0\n```\n"
    at = 8

    def check(self, folder: Folder) -> Iterator[Finding]:
        for act in acts(folder):
            if act.code == "AS707":
                yield self.finding(
                    act.path, act.line, act.message, "Use the public index, or pin the address"
                )
        for file in folder.files:
            if _REQUIREMENTS.search(file.path):
                for number, line in enumerate(folder.text(file.path).split("\n"), 1):
                    message = foreign(line)
                    if message:
                        yield self.finding(
                            folder.at(file.path), number, message, "Use the public index, or pin the address"
                        )


class AS720(Rule):
    """Package name is one slip away from a known package.

    Why: `reqeusts` is not a typing error of the author but the name under which somebody waits for one. Names with one
    letter left out, doubled, replaced or swapped against about 120 often installed packages count.

    Cisco: supply chain (typosquatting). Snyk: E005, E006. OWASP agentic: ASI04.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD + "```bash\npip install reqeusts==2.32.5\n```\n"
    good = _HEAD + "```bash\npip install requests==2.32.5 httpx\n```\n"
    at = 8

    def check(self, folder: Folder) -> Iterator[Finding]:
        made = scene(folder)
        for path, line, name, names in _installed(folder, made):
            meant = squatted(name, names)
            if meant:
                yield self.finding(
                    path, line, f"The package {name[:60]!r} looks like {meant!r}", f"Write {meant}"
                )


Named = tuple[str, int, str, frozenset[str]]


def _installed(folder: Folder, made: Scene) -> Iterator[Named]:
    """(path, line, name, the known names to compare with) of all that is installed."""
    for command in made.commands:
        for pattern, names in ((PIP, known().pypi), (NPM, known().npm)):
            match = pattern.search(command.text)
            named = re.split(r"[\s\"']+", next((g for g in match.groups() if g), "")) if match else []
            end = next((n for n, word in enumerate(named) if word in {"&&", ";", "|", "||", "#"}), len(named))
            yield from ((command.path, command.line, word, names) for word in named[:end])
    for file in folder.files:
        yield from _listed(folder, file.path)
    for block in made.blocks:
        if block.language == "python" and "# /// script" in block.text:
            for number, line in enumerate(block.text.split("\n"), block.line):
                if line.startswith("#"):
                    found = re.findall(r'"([A-Za-z][\w.-]*)(?=["\[\s<>=~!@;,])', line)
                    yield from ((block.path, number, name, known().pypi) for name in found)


def _listed(folder: Folder, path: str) -> Iterator[Named]:
    """Names in requirement files and package.json."""
    manifest = path.rpartition("/")[2] == "package.json"
    if not manifest and not _REQUIREMENTS.search(path):
        return
    for number, line in enumerate(folder.text(path).split("\n"), 1):
        found = re.match(r'\s*"([@\w./-]+)":\s*"[\^~>=<]*\d', line) if manifest else None
        name = found[1] if found else "" if manifest else line.strip()
        yield folder.at(path), number, name, known().npm if manifest else known().pypi


def squatted(word: str, names: frozenset[str]) -> str:
    """The known package of which this name is a slip, or ""."""
    match = re.match(r"[A-Za-z][\w.-]{3,40}(?=$|[=<>~!@;,])", word)
    name = match[0].lower().replace("_", "-") if match else ""
    if len(name) < 5 or name in known().real | known().pypi | known().npm:
        return ""
    return next((other for other in sorted(names) if len(other) > 4 and one_slip(name, other)), "")


def one_slip(a: str, b: str) -> bool:
    """Whether one letter is added, left out, replaced, or swapped with its neighbor, or the hyphens differ."""
    if a.replace("-", "") == b.replace("-", ""):
        return "-" in b
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[start + 1 :] == shorter[start:]
    return a[start + 1 :] == b[start + 1 :] or (
        a[start : start + 2] == b[start : start + 2][::-1] and a[start + 2 :] == b[start + 2 :]
    )


_USES = {
    "WebFetch": r"https?://|\bweb\b|\burl|fetch|online|internet|\bpages?\b|\bsites?\b|search|download|browse|docs\b|documentation|\bapi\b",
    "WebSearch": r"\bweb\b|search|online|internet|news|research|find|look up|sources?|latest",
    "Write": r"writ|creat|sav|generat|\bfiles?\b|output|produc|draft|add|build|report|store|export|scaffold",
    "Edit": r"edit|chang|fix|updat|modif|replac|renam|refactor|add|insert|correct|rewrit|improv|writ|remov|migrat|files?\b",
}
_RUNS = re.compile(
    r"\b(?:run|runs|running|execute|executes|command|commands|script|scripts|shell|terminal|bash|cli|install|git|npm|pip|python|docker|build|test|tests|compile)\b",
    re.IGNORECASE,
)
_RISKY = words("""
    sudo su rm curl wget ssh scp nc chmod chown dd eval docker kubectl aws
""")


class AS721(Rule):
    """Skill allows more tools than its text needs.

    Why: an allowed tool is used without asking. `Bash(*)` in a skill that runs nothing only serves what is added later.
    A tool counts as needed when a command, a script or the text has any use for it.

    Cisco: tool abuse, excessive agency. Snyk: W013. OWASP agentic: ASI02, ASI03.
    """

    profiles = EVERYWHERE
    bad = "---\nname: demo\ndescription: Explains grammar. Use when asked.\nallowed-tools: Bash(*) Read\n---\n# Demo\n\nName the rule.\n"
    good = "---\nname: demo\ndescription: Runs tests. Use when asked.\nallowed-tools: Bash(pytest:*) Read\n---\n# Demo\n\nRun `pytest`.\n"
    at = 4

    def check(self, folder: Folder) -> Iterator[Finding]:
        skill = folder.skill
        allowed = skill.fields.get("allowed-tools") if skill else None
        if skill is None or not allowed:
            return
        listed = (
            allowed
            if isinstance(allowed, list)
            else re.findall(r"[\w*.-]+(?:\([^)]*\))?", str(allowed)[:10_000])
        )
        line = skill.positions.get("allowed-tools", (1, 1))[0]
        said = f"{skill.description}\n{skill.body}"
        for tool in map(str, listed):
            why = _unneeded(tool, said, folder, scene(folder))
            if why:
                yield self.finding(
                    folder.at(SKILL_FILE),
                    line,
                    f"The tool {tool[:60]!r} is allowed, but {why}",
                    "Allow what the text uses only",
                )


def _unneeded(tool: str, said: str, folder: Folder, made: Scene) -> str:
    name, _, rest = tool.partition("(")
    scope = rest.rstrip(")").strip()
    scripts = any(file.path.startswith("scripts/") for file in folder.files)
    used = {re.split(r"[\s/]", command.text.strip())[0].split("/")[-1] for command in made.commands}
    if name in {"*", "all"}:
        return "every tool is more than any text needs"
    if name == "Bash" and scope in {"", "*", "*:*", ":*"}:
        blocks = any(block.language in SHELL for block in made.blocks)
        if not (used or blocks or scripts or _RUNS.search(said)):
            return "the text runs nothing"
        return (
            f"the text runs {', '.join(sorted(used)) or 'no command'} only"
            if scope and len(used) < 2 and not scripts
            else ""
        )
    if name == "Bash":
        program = re.split(r"[\s:*]", scope)[0]
        return (
            "the text never calls it"
            if program in _RISKY and not re.search(rf"\b{program}\b", said) and not scripts
            else ""
        )
    need = _USES.get(name)
    return (
        "the text has no use for it"
        if need and not re.search(need, said, re.IGNORECASE) and not scripts
        else ""
    )
