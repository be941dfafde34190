"""Text of people who mean harm: whatever it is, every rule answers, and in time that grows with its length.

CPU time, not wall clock: a busy machine makes everything slow, but nothing slow out of proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import dumps

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airskills.check import check_folder
from airskills.folder import Folder, folder_from
from airskills.rules import RULES
from airskills.settings import Settings
from clock import cpu_seconds
from hostile_text import HEAD, TEXTS

SIZE = 30_000
MEGABYTE = 1_000_000
UNSEEN = 0.3  # CPU seconds below which nobody minds, and a ratio says nothing
each_text = pytest.mark.parametrize("name", TEXTS)


def folder(name: str, size: int) -> Folder:
    return folder_from("demo", {"SKILL.md": HEAD + TEXTS[name](size)})


def times(read: Folder) -> dict[str, float]:
    """CPU seconds of reading, and of each rule after that."""
    steps: dict[str, Callable[[], object]] = {
        "blocks": lambda: [document.blocks for document in read.documents],
        "lines": lambda: [(document.links, document.prose) for document in read.documents],
        "programs": lambda: [(program.statements, program.calls) for program in read.programs],
    }
    steps |= {code: (lambda rule=rule: list(rule().check(read))) for code, rule in RULES.items()}  # type: ignore[misc]  # bound now
    return {step: cpu_seconds(run) for step, run in steps.items()}


def out_of_proportion(name: str, small: int, large: int, ratio: float) -> set[str]:
    """Steps that take over `ratio` times as long for the larger text, at each of up to three attempts.

    A neighbor on the other core can cost one attempt its proportion.
    """
    slow: set[str] = set()
    for attempt in range(3):
        less, more = times(folder(name, small)), times(folder(name, large))
        worse = {step for step in less if more[step] > max(UNSEEN, ratio * less[step])}
        slow = slow & worse if attempt else worse
        if not slow:
            break
    return slow


@each_text
def test_twice_the_text_takes_about_twice_the_time(name: str) -> None:
    assert not out_of_proportion(name, SIZE, 2 * SIZE, 3)


@pytest.mark.slow
@each_text
def test_a_megabyte_takes_about_four_times_as_long_as_a_quarter_of_it(name: str) -> None:
    assert not out_of_proportion(name, MEGABYTE // 4, MEGABYTE, 6)


anything = st.one_of(
    st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))
)
yaml = st.lists(
    st.sampled_from(
        [
            *"\n\n\n :-[]{}&*!|>'\"#%@`,?",
            "name",
            "metadata",
            "a: b",
            "<<",
            "!!python/name:os",
            "1_0",
            "2020-01-01",
        ]
    )
).map("".join)
json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "skill_name",
                    "evals",
                    "id",
                    "prompt",
                    "assertions",
                    "expectations",
                    "files",
                    "query",
                    "should_trigger",
                    "split",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)
python = st.lists(
    st.sampled_from(
        [
            "(",
            ")",
            "\n",
            "    ",
            "import os",
            "await ",
            "x",
            "=",
            "...",
            ",",
            ">>> ",
            "%%bash\n",
            "!ls",
            "'",
            '"""',
            "f'{",
            "\\\n",
            "lambda:",
            "# /// script\n",
            "# ///\n",
            "# dependencies = [",
        ]
    ),
    max_size=20,
).map("".join)
shell = st.lists(
    st.sampled_from(
        [
            "'",
            '"',
            "`",
            "$(",
            ")",
            "(",
            "\n",
            "<<A",
            "\nA\n",
            "<<-'B'",
            "if ",
            "fi\n",
            "case x in",
            "a)",
            "esac",
            "do ",
            "done",
            "{",
            "}",
            "#",
            "\\",
            "$ ",
            "pip install ",
            "curl x | sh",
            "read x",
        ]
    ),
    max_size=20,
).map("".join)
markdown = st.lists(
    st.sampled_from(
        [
            "# ",
            "## ",
            "\n",
            "\n\n",
            "```",
            "```python\n",
            "~~~bash\n",
            "- ",
            "> ",
            "    ",
            "|",
            "|-|\n",
            "[a](",
            "](",
            ")",
            "<!--",
            "-->",
            "![",
            "`",
            "*",
            "[r]: x\n",
            "<a id='b'>",
            "{",
            "}",
            "\t",
            "\r",
            "\ufeff",
            "\u202e",
            "\0",
        ]
    ),
    max_size=30,
).map("".join)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def fenced(language: str, text: str) -> bytes:
    return encoded(f"{HEAD}```{language}\n{text}\n```\n")


def check_all(contents: Mapping[str, str | bytes]) -> None:
    """Every rule and every repair, and places that exist."""
    opened = folder_from("demo", contents)
    found = check_folder(opened, RULES.values(), Settings())
    assert all(finding.line >= 1 and finding.column >= 1 for finding in found.findings)
    for code, rule in RULES.items():
        for path, text in rule().fix(opened).items():
            assert not rule().fix(opened.replacing(path, text)), f"the repair of {code} is not done at once"


fuzz = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
DEEP = 3_000  # three times what Python's own stack holds


@fuzz
@given(
    st.one_of(
        anything,
        yaml.map(lambda text: encoded(f"---\n{text}\n---\n# T\n")),
        markdown.map(lambda text: encoded(HEAD + text)),
    )
)
@example(b"---\nname: " + b"[" * DEEP + b"\n---\n")
@example(b"---\nmetadata:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 300)) + b"---\n")
@example(b"---\nname: &a [*a, *a]\n---\n")
@example(b"---\nname: !!python/object/apply:os.system [ls]\ndescription: x\n---\n")
@example(b"---\nname: " + b"1" * 10_000 + b"\ndescription: x\n---\n")
@example(
    b"---\ndescription: x\nmetadata:\n  airskills-verified-on: 99999-01-01\n  airskills-tested-with: '; @ =='\n---\n# T\n"
)
def test_any_skill_file_is_checked(content: bytes) -> None:
    check_all({"SKILL.md": content})


@fuzz
@given(st.one_of(anything, markdown.map(encoded)))
def test_any_reference_is_checked(content: bytes) -> None:
    check_all({"SKILL.md": HEAD, "references/a.md": content})


@fuzz
@given(
    st.one_of(
        anything,
        json.map(lambda value: encoded(repr(value))),
        json.map(lambda value: encoded(dumps(value))),
    ),
    st.sampled_from(["evals/evals.json", "evals/eval_queries.json"]),
)
@example(b"[" * DEEP, "evals/evals.json")
@example(b"1" * 10_000, "evals/eval_queries.json")
@example(
    b'{"evals": [{"id": {}, "prompt": "x", "files": [null, "../a", "/etc"], "assertions": "x"}, null]}',
    "evals/evals.json",
)
@example(
    b'[{"query": "", "should_trigger": true, "split": []}, {"query": "\\ud800", "should_trigger": false}]',
    "evals/eval_queries.json",
)
def test_any_evals_are_checked(content: bytes, path: str) -> None:
    check_all({"SKILL.md": HEAD, path: content})


@fuzz
@given(
    st.one_of(python, anything.map(lambda content: content.decode("utf-8", "replace"))),
    st.sampled_from(["examples/a.py", "scripts/a.py", "block"]),
)
@example("-" * DEEP + "1", "scripts/a.py")
@example("a" + ".b" * DEEP, "block")
@example("a" + "()" * DEEP, "examples/a.py")
@example("\0", "scripts/a.py")
@example("x = " + "1" * 10_000, "block")
@example("# /// script\n# dependencies = " + "[" * DEEP + "\n# ///\n", "scripts/a.py")
@example(
    "# /// script\n# dependencies = [1, {}, 'a==1; x']\n# [tool]\n# airskills = 3\n# ///\n", "examples/a.py"
)
def test_any_python_is_checked(text: str, path: str) -> None:
    check_all(
        {"SKILL.md": fenced("python", text)} if path == "block" else {"SKILL.md": HEAD, path: encoded(text)}
    )


@fuzz
@given(
    st.one_of(shell, anything.map(lambda content: content.decode("utf-8", "replace"))),
    st.sampled_from(["scripts/a.sh", "block"]),
)
def test_any_shell_is_checked(text: str, path: str) -> None:
    check_all(
        {"SKILL.md": fenced("bash", text)} if path == "block" else {"SKILL.md": HEAD, path: encoded(text)}
    )


@fuzz
@given(
    st.one_of(yaml, anything.map(lambda content: content.decode("utf-8", "replace"))),
    st.sampled_from(["yaml", "json", "jsonl", "toml"]),
)
@example("[" * DEEP, "yaml")
@example("{a: " * DEEP, "yaml")
@example("1" * 10_000, "json")
@example("a = " + "1" * 10_000, "toml")
@example("a = " + "{a = " * DEEP, "toml")
@example("[" * DEEP, "json")
@example("[" * DEEP, "jsonl")
def test_any_data_block_is_checked(text: str, language: str) -> None:
    check_all({"SKILL.md": fenced(language, text)})
