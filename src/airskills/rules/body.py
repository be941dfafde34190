"""AS2xx: the body and the description, as a reader needs them; sizes are the specification's recommendations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from airskills.catalog import estimate_tokens
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import Rule
from airskills.rules.guarded import Guarded
from airskills.rules.profiles import CLIENTS, EVERYWHERE

MAX_LINES = 500
MAX_TOKENS = 5_000
STANDARD_LINES = (180, 320)
STANDARD_DESCRIPTION = 240
SECTIONS = (
    "When to use it, and when not",
    "Silent faults first",
    "What changed lately",
    "Quick start",
    "Workflows",
    "Decisions",
    "Symptoms",
    "References",
)
_FORMS = ("assets/", "templates/", "examples/")
SAID_TWICE = 80  # characters of a line that should not stand twice
EARLY = 200  # characters: the occasion itself must stand before the 250 of the shortest known cut
_OCCASION = re.compile(r"\b(?:use|used|using|invoke|apply|trigger|when|whenever|if)\b", re.IGNORECASE)
_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n"
_BOTH = ("standard", *CLIENTS)


class AS201(Rule):
    """Body is empty.

    Why: the description brings the agent here; an empty body leaves it with nothing to do.
    """

    severity = "error"
    profiles = EVERYWHERE
    bad = _HEAD
    good = _HEAD + "# Demo\n"

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill and not folder.skill.body.strip():
            yield self.finding(
                folder.skill.path, 1, "The body is empty", "Write the instructions below the frontmatter"
            )


class AS202(Rule):
    """SKILL.md is over 500 lines.

    Why: the specification recommends fewer: all of it is read at every activation, and some clients page files at
    1,000 lines, so that the end is never seen. Details belong into `references/`.
    """

    profiles = EVERYWHERE
    bad = _HEAD + "# Demo\n" + "line\n" * MAX_LINES
    good = _HEAD + "# Demo\n" + "line\n" * 100
    at = MAX_LINES + 1

    def check(self, folder: Folder) -> Iterator[Finding]:
        lines = folder.skill.raw.count("\n") if folder.skill else 0
        if folder.skill and lines > MAX_LINES:
            message = f"SKILL.md has {lines:,} lines; the limit is {MAX_LINES}"
            yield self.finding(folder.skill.path, MAX_LINES + 1, message, "Move details into references/")


class AS203(Rule):
    """Body is over 5,000 tokens.

    Why: the specification recommends fewer; every activation pays for all of them. Estimated from words, digits and marks,
    within 6 % of o200k_base in nine files of ten.
    """

    profiles = EVERYWHERE
    bad = _HEAD + "# Demo\n" + "word " * 6_000
    good = _HEAD + "# Demo\n" + "word " * 5_500
    at = 5

    def check(self, folder: Folder) -> Iterator[Finding]:
        tokens = estimate_tokens(folder.skill.body) if folder.skill else 0
        if folder.skill and tokens > MAX_TOKENS:
            message = f"The body has about {tokens:,} tokens; the limit is {MAX_TOKENS:,}"
            yield self.finding(
                folder.skill.path, folder.skill.body_line, message, "Move details into references/"
            )


class AS204(Rule):
    """SKILL.md is shorter or longer than a gold skill.

    Why: 180 to 320 lines held what a strong model gets wrong about one tool, and no more, in every skill measured so far.
    """

    severity = "note"
    bad = _HEAD + "# Demo\n"
    good = _HEAD + "# Demo\n" + "line\n" * 200
    at = 1

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill is None:
            return
        lines = folder.skill.raw.count("\n")
        low, high = STANDARD_LINES
        if not low <= lines <= high:
            message = f"SKILL.md has {lines:,} lines; the standard asks for {low} to {high}"
            yield self.finding(
                folder.skill.path, 1, message, "Cut what an agent would not use, or say what it lacks"
            )


class AS205(Rule):
    """Section of the standard is missing or out of order.

    Why: an agent with a failing script looks for "Symptoms", one with old code for "What changed lately"; they stand in
    one order in every skill so that nobody has to search.
    """

    severity = "error"
    bad = _HEAD + "# Demo\n\n## Quick start\n\n## Workflows\n"
    good = _HEAD + "# Demo\n\n" + "".join(f"## {name}\n\n" for name in SECTIONS)
    at = 1

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill is None:
            return
        found = [heading for heading in folder.skill.headings if heading.level == 2]
        names = [heading.text for heading in found]
        missing = [name for name in SECTIONS if name not in names]
        if missing:
            yield self.finding(
                folder.skill.path,
                1,
                f"The section {missing[0]!r} is missing ({len(missing)} in all)",
                "Add it",
            )
        order = [heading for heading in found if heading.text in SECTIONS]
        for before, after in pairwise(order):
            if SECTIONS.index(before.text) > SECTIONS.index(after.text):
                message = f"The section {after.text!r} stands after {before.text!r}"
                yield self.finding(folder.skill.path, after.line, message, f"Move it before {before.text!r}")
        for heading in found:
            if heading.text not in SECTIONS:
                message = f"The section {heading.text!r} is not of the standard"
                yield self.finding(
                    folder.skill.path, heading.line, message, "Make it a level-3 heading, or a reference"
                )


class AS206(Rule):
    """Heading level is skipped.

    Why: outlines, `airskills load --section` and screen readers follow the levels.
    """

    profiles = _BOTH
    bad = _HEAD + "# Demo\n\n### Deep\n"
    good = _HEAD + "# Demo\n\n## Next\n\n### Deep\n"
    at = 7

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for before, after in pairwise(document.headings):
                if after.level > before.level + 1:
                    message = f"The heading goes from level {before.level} to level {after.level}"
                    yield self.finding(document.path, after.line, message, f"Use level {before.level + 1}")


class AS207(Rule):
    """Description does not say when to use the skill.

    Why: an agent decides by the description alone; what the skill does is half of it, the occasion is the other half.
    """

    profiles = _BOTH
    bad = "---\nname: demo\ndescription: Reads training logs and names the fault.\n---\n# Demo\n"
    good = "---\nname: demo\ndescription: Reads training logs. Use when the loss is flat.\n---\n# Demo\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill and not _OCCASION.search(folder.skill.description):
            yield _at_description(
                self, folder, "The description does not say when to use the skill", 'Add "Use when ..."'
            )


class AS208(Rule):
    """Description is over 240 characters.

    Why: Claude Code lists about 8,000 characters in all; 70 descriptions of 240 do not fit even so, and longer ones push
    others out without a word. Words after the first 250 are cut by some releases.
    """

    bad = "---\nname: demo\ndescription: Use when " + "x" * 240 + "\n---\n# Demo\n"
    good = "---\nname: demo\ndescription: Use when " + "x" * 200 + "\n---\n# Demo\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        length = len(folder.skill.description) if folder.skill else 0
        if length > STANDARD_DESCRIPTION:
            message = (
                f"The description has {length} characters; the standard's limit is {STANDARD_DESCRIPTION}"
            )
            yield _at_description(self, folder, message, "Say what and when, with the words users type first")


class AS209(Rule):
    """Description speaks in the first or second person.

    Why: it is put into a system prompt beside seventy others, where "I" and "you" mean somebody else.
    """

    profiles = _BOTH
    bad = "---\nname: demo\ndescription: I can help you read logs. Use when a run fails.\n---\n# Demo\n"
    good = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        found = folder.skill and re.search(
            r"\b(?:I can|I will|I'll|I help|we can|you can|helps? you|let me|your)\b",
            folder.skill.description,
        )
        if found:
            message = f"The description speaks in person ({found[0]!r})"
            yield _at_description(
                self, folder, message, "Begin with a verb in the third person, or with the tool's name"
            )


class AS210(Rule):
    """Description begins with words that say nothing.

    Why: the first words carry the trigger; "This skill provides comprehensive guidance for" spends sixty characters.
    """

    profiles = _BOTH
    bad = "---\nname: demo\ndescription: This skill provides guidance for reading logs. Use when a run fails.\n---\n# Demo\n"
    good = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        found = folder.skill and re.match(
            r"(?:this|a|an|the)\s+(?:skill|guide|tool|document|collection|comprehensive|complete|expert)\b"
            r"|(?:comprehensive|complete|expert|ultimate)\s+(?:guide|guidance|skill)",
            folder.skill.description,
            re.IGNORECASE,
        )
        if found:
            message = f"The description begins with {found[0]!r}"
            yield _at_description(self, folder, message, "Begin with the words a user types")


class AS211(Rule):
    """Vague word where a number or a check belongs.

    Why: an agent cannot act on "appropriately" or "as needed"; it guesses.
    """

    severity = "note"
    bad = _HEAD + "# Demo\n\nSet the batch size appropriately.\n"
    good = _HEAD + "# Demo\n\nSet the batch size to 8.\n"
    at = 7
    _words = Guarded(
        r"\b(?:appropriately|as needed|as necessary|properly configure\w*|various|etc\.|and so on|blazing\w*|state-of-the-art|cutting-edge|seamless\w*|leverage\w*)",
        *("appropriately", "as needed", "as necessary", "properly configure", "various", "etc.", "and so on"),
        *("blazing", "state-of-the-art", "cutting-edge", "seamless", "leverage"),
        flags=re.IGNORECASE,
    )

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            for line, text in document.prose if self._words.may_match(document.running_text) else ():
                for found in self._words.pattern.finditer(text):
                    message = f"The word {found[0]!r} tells an agent nothing"
                    yield self.finding(document.path, line, message, "Give the value, the list, or the check")


class AS212(Rule):
    """Placeholder was left in.

    Why: "TODO", "Lorem ipsum" and "<your text here>" are followed as if they were instructions.
    """

    profiles = _BOTH
    bad = _HEAD + "# Demo\n\nTODO: describe the workflow\n"
    good = _HEAD + "# Demo\n\nDescribe the workflow.\n"
    at = 7
    _words = Guarded(
        r"\b(?:TODO|FIXME|XXX)\b(?=[:\s]|$)|\bTBD:|[Ll]orem ipsum|\[(?:insert|your|add|describe)\b[^\]]{0,200}\](?!\()|\b[Cc]oming soon\b",
        *(
            "TODO",
            "FIXME",
            "XXX",
            "TBD:",
            "orem ipsum",
            "[insert",
            "[your",
            "[add",
            "[describe",
            "oming soon",
        ),
    )

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            if document.path.removeprefix(f"{folder.path}/").startswith(_FORMS):
                continue  # forms are filled in by whoever uses them
            for line, text in document.prose if self._words.may_match(document.running_text) else ():
                found = self._words.pattern.search(text)
                if found:
                    message = f"The placeholder {found[0][:60]!r} was left in"
                    yield self.finding(document.path, line, message, "Write what it stands for")


class AS213(Rule):
    """Long document has no list of contents.

    Why: an agent reads the first lines of a file of over 100 lines and decides by them whether to go on. Links to the
    headings are such a list, and so is a line that begins with "Contents:".
    """

    severity = "note"
    bad = {"SKILL.md": _HEAD + "# Demo\n", "references/long.md": "# Long\n\n" + "line\n\n" * 60}
    good = {
        "SKILL.md": _HEAD + "# Demo\n",
        "references/long.md": "# Long\n\n- [Part](#part)\n- [End](#end)\n\n"
        + "line\n\n" * 60
        + "## Part\n\n## End\n",
    }
    at = ("references/long.md", 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        for document in folder.documents:
            lines = document.text.count("\n")
            inside = sum(link.target.startswith("#") for link in document.links)
            inside += 2 * bool(
                re.search(r"^.{0,80}\bContents:", "\n".join(document.text.split("\n")[:15]), re.MULTILINE)
            )
            if document.path.rpartition("/")[2] != "SKILL.md" and lines > 100 and inside < 2:
                yield self.finding(
                    document.path,
                    1,
                    f"The file has {lines} lines and no list of contents",
                    "Name its parts at the top",
                )


class AS214(Rule):
    """Body repeats itself.

    Why: a paragraph that stands twice is paid for twice at every activation, and only one of the two gets corrected.
    """

    severity = "note"
    profiles = _BOTH
    _text = (
        "The learning rate of adapters is about ten times the one of full training, because few weights move."
    )
    bad = _HEAD + f"# Demo\n\n{_text}\n\n{_text}\n"
    good = _HEAD + f"# Demo\n\n{_text}\n"
    at = 9

    def check(self, folder: Folder) -> Iterator[Finding]:
        seen: dict[str, tuple[str, int]] = {}
        for document in folder.documents:
            for line, text in document.prose:
                if len(text) < SAID_TWICE:
                    continue
                plain = " ".join(text.split())
                if len(plain) < SAID_TWICE:
                    continue
                if plain in seen:
                    first = seen[plain]
                    yield self.finding(
                        document.path,
                        line,
                        f"The same text stands at line {first[1]} of {first[0].rpartition('/')[2]}",
                        "Keep one",
                    )
                else:
                    seen[plain] = (document.path, line)


class AS215(Rule):
    """Description says late when to use the skill.

    Why: lists of skills are cut, by some releases at 250 characters; what stands behind the cut decides nothing.
    """

    profiles = _BOTH
    bad = f"---\nname: demo\ndescription: Reads logs{' and more logs' * 20}. Use when a run fails.\n---\n# Demo\n"
    good = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n"
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        found = _OCCASION.search(folder.skill.description) if folder.skill else None
        if found and found.start() > EARLY:
            message = f"The description says when to use the skill after {found.start()} characters"
            yield _at_description(self, folder, message, f"Say it within the first {EARLY}")


def _at_description(rule: Rule, folder: Folder, message: str, help_: str) -> Finding:
    assert folder.skill is not None  # noqa: S101 - callers looked at the description
    line, column = folder.skill.positions.get("description", (1, 1))
    return rule.finding(folder.skill.path, line, message, help_, column=column)
