"""`airskills drift` as an author runs it, against an index of small wheels on this machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from click.testing import CliRunner, Result

from airskills import own
from airskills.cli import cli
from airskills.drift.outlook import outlook
from airskills.folder import folder_from
from local_index import serving
from wheelhouse import make_wheel

MakeSkill = Callable[..., Path]
RELEASES = {
    "1.0": "def train(model, max_seq_length=512, beta=0.1): ...\nclass Old: ...\ndef blink(): ...",
    "1.1": "def train(model, max_seq_length=512, beta=0.1): ...\nclass Old: ...",
    "1.2": "def train(model, max_length=512, beta=0.1): ...\nclass Old: ...\ndef blink(): ...",
    "1.2.1": "def train(model, max_length=512, beta=0.0): ...\nclass Old: ...\ndef blink(): ...",
    "1.3": "def train(model, max_length=512, beta=0.0): ...\ndef blink(): ...",
    "1.4rc1": "",
    "2.0": "def train(model, max_length=512, beta=0.0, *, seed=0): ...\ndef blink(): ...",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    house = tmp_path_factory.mktemp("house")
    for version, text in RELEASES.items():
        make_wheel(house, "demo", version, {"demo/__init__.py": text})
    make_wheel(house, "withdrawn", "1.0", {"withdrawn/__init__.py": "def f(): ..."})
    make_wheel(house, "withdrawn", "1.1", {"withdrawn/__init__.py": ""})
    make_wheel(house, "windows", "1.0", {"w.py": ""}, tag="cp312-cp312-win_amd64")
    with serving(house, yanked=("withdrawn-1.0-py3-none-any.whl",)) as address:
        yield address


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _asks_the_index(index: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRSKILLS_CACHE_DIR", str(cache))
    for name in ("UV_FIND_LINKS", "UV_OFFLINE", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)
    monkeypatch.setenv("UV_INSECURE_HOST", "127.0.0.1")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["drift", *arguments])


def test_each_change_stands_with_the_release_in_which_it_came() -> None:
    done = run("demo", "1.0", "2.0", "--output-format", "json")
    found = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert [(c["kind"], c["path"], c.get("parameter"), c["after"], c["since"]) for c in found["changes"]] == [
        ("gone", "demo.Old", None, "1.2.1", "1.3"),
        ("renamed", "demo.train", "max_seq_length", "1.1", "1.2"),
        ("default", "demo.train", "beta", "1.2", "1.2.1"),
        ("added", "demo.train", "seed", "1.3", "2.0"),
    ]
    assert [c["breaks"] for c in found["changes"]] == [True, True, True, False]


def test_all_shows_what_a_later_release_took_back_and_no_preview() -> None:
    found = json.loads(run("demo", "1.0", "--all", "--output-format", "json").stdout)
    blinks = [(c["kind"], c["since"]) for c in found["changes"] if c["path"] == "demo.blink"]

    assert found["new"] == "2.0"
    assert blinks == [("gone", "1.1"), ("added", "1.2")]
    assert "1.4rc1" not in {c["since"] for c in found["changes"]}


def test_text_groups_by_kind_and_ends_in_counts() -> None:
    done = run("demo", "1.0", "1.3")

    assert done.stdout.split("\n")[:2] == ["is gone:", "  1.3    demo.Old"]
    assert "  1.2.1  beta: 0.1 to 0.0 in demo.train\n" in done.stdout
    assert done.stdout.endswith("demo 1.0 to 1.3: 2 that break, 1 changed defaults, 0 deprecated, 0 new.\n")


def test_kind_chooses_and_markdown_is_a_table_of_a_skill() -> None:
    done = run("demo", "1.0", "1.3", "--kind", "renamed", "--output-format", "markdown")

    assert done.stdout.splitlines()[:3] == [
        "| you would write | what happens now | write this | since |",
        "|---|---|---|---|",
        "| `demo.train(max_seq_length=)` | is max_length now (same default 512, same position, names 85% alike) | `max_length` | 1.2 |",
    ]


def test_a_second_run_compares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("demo", "1.0", "1.3").stdout
    monkeypatch.setattr("airskills.drift.shelf.compare", None)

    assert run("demo", "1.0", "1.3").stdout == first


def test_offline_dates_by_the_range_that_was_asked_for() -> None:
    run("demo", "1.0", "1.3")
    found = json.loads(run("demo", "1.0", "1.3", "--offline", "--output-format", "json").stdout)

    assert {(c["after"], c["since"]) for c in found["changes"]} == {("1.0", "1.3")}


SKILL = """
## Train

```python
import demo
from demo import Old, train as fit
```

```python
demo.train(1, max_seq_length=4, beta=0.2)
fit(1)
Old()
print(max_seq_length)
```

## Old ways

```python {proof="fails: import"}
from demo import Old
```
"""


def test_since_marks_the_lines_that_are_hit(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(tmp_path, "mine", body=SKILL)
    done = run("demo", "1.0", "1.3", "--since", str(folder))
    file = folder / "SKILL.md"

    assert done.exit_code == 1
    assert [line.replace(f"{file}:", "") for line in done.stdout.splitlines()[:-2]] == [
        "11:18: demo.Old is gone (since demo 1.3)",
        "15:1: demo.train(max_seq_length=) is max_length now (same default 512, same position, names 85% alike) (since demo 1.2)",
        "17:1: demo.Old is gone (since demo 1.3)",
        "demo.train(beta=) has the default 0.0, not 0.1 (since demo 1.2.1); relied on by",
        "    16",
    ]


def test_facts_are_written_to_a_new_file_only(tmp_path: Path) -> None:
    target = tmp_path / "facts.yaml"
    done = run("demo", "1.0", "1.3", "--facts", str(target))
    facts = yaml.safe_load(target.read_text(encoding="utf-8"))
    target.write_text("mine", encoding="utf-8")
    again = run("demo", "1.0", "1.3", "--facts", str(target))

    assert done.exit_code == 0
    assert [(f["id"], f["since"]) for f in facts] == [
        ("old-gone", "demo 1.3"),
        ("train-max-seq-length-renamed", "demo 1.2"),
        ("train-beta-default", "demo 1.2.1"),
    ]
    assert (again.exit_code, target.read_text(encoding="utf-8")) == (2, "mine")
    assert "exists" in again.stderr


def test_proposed_facts_fail_and_pass_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = yaml.safe_load(run("demo", "1.0", "1.3", "--facts", "-").stdout)
    module = ModuleType("demo")
    exec(RELEASES["1.3"], module.__dict__)
    monkeypatch.setitem(sys.modules, "demo", module)
    for fact in facts:
        namespace: dict[str, object] = {}
        if "silent" in fact:
            exec(fact["old"], namespace)
            assert eval(fact["silent"], namespace)
        else:
            with pytest.raises((ImportError, AttributeError, TypeError)) as caught:
                exec(fact["old"], namespace)
            assert re.search(fact["fails"], f"{caught.type.__name__}: {caught.value}")
        exec(fact["new"], {})


def test_check_names_the_skills_that_the_newest_release_breaks(tmp_path: Path, make_skill: MakeSkill) -> None:
    pins = 'metadata:\n  airskills-tested-with: "demo=={}"\n'
    make_skill(tmp_path, "behind", body=SKILL, extra=pins.format("1.0"))
    make_skill(tmp_path, "current", body="# T\n", extra=pins.format("2.0"))
    done = run("--check", str(tmp_path))

    assert done.exit_code == 1
    assert "demo==1.0: 2.0 is out and breaks 3 lines of behind\n" in done.stdout
    assert done.stdout.endswith("1 skills would break; 2 of 2 pins compared with the newest releases.\n")
    assert "demo==2.0: the newest\n" in done.stdout
    assert f"{tmp_path}/behind/SKILL.md:19:1: demo.Old is gone (since demo 1.3)" in done.stdout


def test_check_passes_where_nothing_breaks(tmp_path: Path, make_skill: MakeSkill) -> None:
    body = "```python\nimport demo\ndemo.train(1, beta=0.1)\n```\n"
    make_skill(tmp_path, "fine", body=body, extra='metadata:\n  airskills-tested-with: "demo==1.0"\n')
    done = run("--check", str(tmp_path), "--output-format", "json")

    assert done.exit_code == 0
    assert [
        (row["package"], row["newest"], row["breaks"], row["hits"]) for row in json.loads(done.stdout)
    ] == [("demo", "2.0", False, [])]


def test_check_says_what_it_could_not_compare(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "odd", extra='metadata:\n  airskills-tested-with: "unheard-of==1.0"\n')
    done = run("--check", str(tmp_path))

    assert done.exit_code == 0
    assert "unheard-of==1.0: not compared: The index has no releases of 'unheard-of'" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unheard-of", "1.0", "2.0"), "unheard-of==2.0 cannot be had: unheard-of was not found"),
        (("unheard-of", "1.0"), "The index has no releases of 'unheard-of'"),
        (("demo", "9.0", "9.1"), "demo==9.1 cannot be had: there is no version of demo==9.1"),
        (("demo", "9.0", "9.1"), "help: The newest releases with a wheel are 1.2, 1.2.1, 1.3, 1.4rc1, 2.0"),
        (("windows", "1.0", "1.1", "--offline"), "help: Run it once without --offline"),
        (("demo", "1.1", "1.0"), "1.1 is not older than 1.0"),
        (("demo", "one", "1.0"), "Invalid version: 'one'"),
        (("demo", "1.0", "2.0", "--with", "numpy>1"), "is not an exact pin"),
        (("demo", "1.0", "2.0", "--since", "no-such-skill"), "No skill is called 'no-such-skill'"),
        (("demo",), "Name PACKAGE OLD [NEW]"),
        (("--check", "--offline"), "cannot be --offline"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_two(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_a_withdrawn_release_is_compared_when_it_is_named() -> None:
    assert "withdrawn.f" in run("withdrawn", "1.0", "1.1").stdout


def test_an_index_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    done = run("demo", "1.0")

    assert done.exit_code == 2
    assert "The index cannot be reached" in done.stderr


def test_this_package_itself_is_compared_with_what_is_installed() -> None:
    text = f'---\nname: demo\ndescription: d\nmetadata:\n  airskills-tested-with: "airskills=={own.version()}"\n---\n# Demo\n'
    (row,) = outlook([folder_from("demo", {"SKILL.md": text})])
    assert (row.newest, row.problem) == (own.version(), "")
