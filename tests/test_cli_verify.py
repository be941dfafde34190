"""`airskills verify` on small skills and a package made here: what it prints, writes, remembers and refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from airskills import proof
from airskills.cli import cli
from airskills.folder import open_folder
from airskills.pins import parse_pins
from airskills.verify import api, follow, subject, tools
from airskills.verify.backend import Asking
from airskills.verify.ty import Ty
from conftest import MakeSkill
from wheelhouse import make_wheel

LAB = {
    "lab/__init__.py": "def run(command: str, *, times: int = 1) -> int:\n    return 0\n",
    "lab/py.typed": "",
}
PINS = 'metadata:\n  airskills-tested-with: "lab==1.0"\n'
BODY = """# Demo

## One

```python
import lab
```

1. In a list:

   ```python
   lab.run("a", time=2)
   ```

## Two

```python
lab.run("b")
```

```python {proof="skip: needs a robot"}
lab.walk()
```

```python {proof="fails: keyword"}
import lab
lab.run("a", count=2)
```
"""


@pytest.fixture
def skill(tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch) -> Path:
    house = tmp_path / "house"
    make_wheel(house, "lab", "1.0", LAB)
    make_wheel(
        house, "lab", "2.0", {**LAB, "lab/__init__.py": "def run(command, *, time=1):\n    return 0\n"}
    )
    monkeypatch.setenv("UV_FIND_LINKS", str(house))
    monkeypatch.chdir(tmp_path)
    return make_skill(tmp_path / "skills", "demo", extra=PINS, body=BODY)


def run(*arguments: str, code: int) -> str:
    done = CliRunner().invoke(cli, ["verify", *arguments, "--offline"])
    assert done.exit_code == code, done.output
    return done.output


def test_a_dead_use_is_named_with_its_place_and_what_was_meant(skill: Path) -> None:
    text = run(str(skill), code=1)
    assert "skills/demo/SKILL.md:19:17: AV003 `lab.run` (lab 1.0) takes no keyword `time`" in text
    assert "help: Did you mean `times`?" in text
    assert text.count("AV0") == 1, "what is promised to fail is no finding"


def test_the_last_line_counts_what_is_proven_dead_and_not_proven(skill: Path) -> None:
    last = run(str(skill), code=1).splitlines()[-1]
    assert last.startswith(
        "6 uses: 3 proven (50.0%), 1 dead, 2 not proven (AV101 1, AV106 1). "
        "Statements that use a package: 3 of 5 proven (60.0%). Blocks: 1 unparsed,"
    )


def test_names_are_carried_inside_a_section_only(skill: Path) -> None:
    text = run(str(skill), "--unproven", code=1)
    assert "SKILL.md:25:1: AV101 `lab.run` is not proven: nothing here defines `lab`" in text
    assert "AV106 The block is left out by its author: needs a robot" in text


def test_other_pins_can_be_given_for_a_foreign_library(skill: Path) -> None:
    (skill / "SKILL.md").write_text((skill / "SKILL.md").read_text().replace(PINS, ""))
    assert "AV009" in run(str(skill), code=1), "without a pin nothing fails as it must"
    assert "0 dead" in run(str(skill), "--with", "lab==2.0", code=0)


@pytest.mark.parametrize("pin", ["--index-url", "lab", "../lab", "https://example.org/lab.whl", "lab>=1"])
def test_a_pin_that_is_none_is_refused(skill: Path, pin: str) -> None:
    assert "is not an exact pin" in run(str(skill), "--with", pin, code=2)


def test_pins_of_a_skill_that_cannot_be_read_are_a_finding(skill: Path) -> None:
    text = (skill / "SKILL.md").read_text()
    (skill / "SKILL.md").write_text(text.replace("lab==1.0", "lab @ https://example.org/lab.whl"))
    assert "AV901" in run(str(skill), code=1)


def test_the_ledger_holds_every_use_and_json_is_one_list(skill: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    done = CliRunner().invoke(
        cli, ["verify", str(skill), "--offline", "--ledger", str(ledger), "--output-format", "json"]
    )
    assert [row["code"] for row in json.loads(done.stdout)] == ["AV003"]
    rows = json.loads(ledger.read_text())
    assert len(rows) == ledger.read_text().count("\n{"), "one a line, for those who look with grep"
    assert {row["state"] for row in rows} == {"proven", "dead", "unproven"}
    said = {"path", "line", "column", "use", "code", "level", "message", "help", "state", "statement"}
    assert said | {"by_run"} == set(rows[0])


def test_what_a_program_takes_is_read_once_whatever_is_remembered_of_skills(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    parser = "import argparse\ndef main():\n    p = argparse.ArgumentParser()\n    p.add_argument('--a')\n    p.parse_args()\n"
    make_wheel(tmp_path / "house", "tool", "1.0", {"tool/__init__.py": parser}, scripts={"tool": "tool:main"})
    (skill / "SKILL.md").write_text("---\nname: demo\ndescription: D.\n---\n```bash\ntool --b\n```\n")
    options = api.Options(pins=parse_pins("tool==1.0"), offline=True, remember=False, cache=cache)
    for _ in range(2):
        (entry,) = api.verify([str(skill)], options).entries
        assert entry.code == "AV201"
        monkeypatch.setattr(tools, "_FOLLOWED", {})
        monkeypatch.delattr(follow, "of_entry_point", raising=False)
    assert not (cache / "verify").exists(), "nothing is remembered of the skill itself"


def test_a_proof_is_written_only_where_nothing_is_dead(skill: Path) -> None:
    assert "not written: skills/demo/proof.json: line 19: AV003" in run(str(skill), "--write", code=1)
    assert not (skill / "proof.json").exists()
    text = (skill / "SKILL.md").read_text()
    (skill / "SKILL.md").write_text(text.replace("time=2", "times=2"))
    assert "written: skills/demo/proof.json" in run(str(skill), "--write", code=0)
    part = proof.read(skill).static
    assert part is not None
    assert part.pins == {"lab": "1.0"}
    assert part.counts["dead"] == 0
    assert part.counts["proven"] + part.counts["unproven"] == part.counts["uses"]
    assert len(part.hashes["lab"]) == 64
    assert proof.read(skill).fresh(proof.content_hash(open_folder(str(skill)))).static == part


def test_a_second_run_asks_no_back_end(skill: Path, tmp_path: Path) -> None:
    class Counting(Ty):
        asked = 0

        def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
            Counting.asked += 1
            return super().start(files, paths)

    options = api.Options(offline=True, cache=tmp_path / "cache", backend=Counting())
    first = api.verify([str(skill)], options)
    assert api.verify([str(skill)], options).entries == first.entries
    assert Counting.asked == 1
    text = (skill / "SKILL.md").read_text()
    (skill / "SKILL.md").write_text(text.replace("time=2", "times=2"))
    assert not any(entry.state == "dead" for entry in api.verify([str(skill)], options).entries)
    assert Counting.asked == 2


def test_two_skills_of_two_releases_are_each_proven_against_their_own(
    skill: Path, tmp_path: Path, make_skill: MakeSkill
) -> None:
    newer = make_skill(skill.parent, "newer", extra=PINS.replace("1.0", "2.0"), body=BODY)
    found = api.verify([str(skill), str(newer)], api.Options(offline=True, cache=tmp_path / "cache"))
    dead = {
        proven.folder.name: [e.line for e in proven.entries if e.state == "dead"] for proven in found.skills
    }
    assert dead == {"demo": [19], "newer": []}


def test_a_file_of_the_skill_says_what_its_functions_return(skill: Path) -> None:
    evals = skill / "evals"
    (evals / "task").mkdir(parents=True)
    (evals / "fixtures.py").write_text("import lab\ndef robot(): return lab.Robot()\nspare = lab.Robot()\n")
    check = evals / "task" / "check.py"
    check.write_text(
        "from fixtures import robot, spare\nimport fixtures\nrobot().walk(steps=2)\nfixtures.robot().fly()\none = spare\none.fly()\n"
    )
    make_wheel(
        Path("house"),
        "lab",
        "3.0",
        {
            "lab/__init__.py": "class Robot:\n    def walk(self, *, steps: int) -> None: ...\n",
            "lab/py.typed": "",
        },
    )
    text = run(str(skill), "--with", "lab==3.0", code=1)
    assert "check.py:4:1: AV002 `Robot`" in text
    assert "check.py:6:1: AV002 `Robot`" in text
    assert "check.py:3" not in text
    (evals / "fixtures.py").write_text("import lab\ndef robot(): return lab\nspare = 1\n")
    assert "check.py:3:1: AV002" in run(str(skill), "--with", "lab==3.0", code=1)


def test_nothing_of_the_skill_or_the_package_is_run(skill: Path, tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    make_wheel(tmp_path / "house", "trap", "1.0", {"trap/__init__.py": trap})
    text = (skill / "SKILL.md").read_text().replace("lab==1.0", "lab==1.0 trap==1.0")
    (skill / "SKILL.md").write_text(text.replace("import lab\n", f"import lab, trap\n{trap}"))
    (skill / "scripts").mkdir()
    (skill / "scripts" / "x.py").write_text(f"import trap\n{trap}")
    run(str(skill), code=1)
    assert not (tmp_path / "ran").exists()


def test_an_unchanged_skill_is_answered_without_reading_its_blocks(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = api.Options(offline=True, cache=tmp_path / "cache")
    first = api.verify([str(skill)], options)
    with monkeypatch.context() as patch:
        patch.delattr(subject, "units_of")
        again = api.verify([str(skill)], options)
    assert (again.entries, again.skills[0].places) == (first.entries, first.skills[0].places)
    (skill / "SKILL.md").write_text((skill / "SKILL.md").read_text().replace('lab.run("b")', "lab.gone()"))
    assert {entry.use for entry in api.verify([str(skill)], options).entries} >= {"lab.gone"}
    pins = api.verify([str(skill)], replace(options, pins=parse_pins("lab==2.0")))
    assert pins.entries != first.entries


def test_of_a_file_only_what_stands_in_it_is_proven_and_kept_beside_the_rest(
    skill: Path, tmp_path: Path
) -> None:
    class Asked(Ty):
        texts: list[str] = []  # noqa: RUF012 - of this class, for this test

        def start(self, files: Mapping[str, str], paths: Sequence[Path]) -> Asking:
            Asked.texts += files.values()
            return super().start(files, paths)

    (skill / "references").mkdir()
    page = skill / "references" / "more.md"
    page.write_text("# More\n\n```python\nimport lab\nlab.more()\n```\n")
    only = {str(skill): frozenset({"references/more.md"})}
    options = api.Options(offline=True, cache=tmp_path / "cache", backend=Asked())
    (part,) = api.verify([str(skill)], replace(options, only=only)).skills
    assert {(e.path, e.use) for e in part.entries} == {(str(page), "lab"), (str(page), "lab.more")}
    assert part.places == ((str(page), 4, 5),)
    assert not any("lab.run" in text for text in Asked.texts)
    whole = api.verify([str(skill)], options)
    assert set(part.entries) < set(whole.entries)
    assert sum("lab.more" in text for text in Asked.texts) == 1  # by the first run alone
    Asked.texts.clear()
    assert api.verify([str(skill)], replace(options, only=only)).entries == part.entries
    assert api.verify([str(skill)], options).entries == whole.entries
    assert not Asked.texts


def test_a_file_can_be_named_but_not_written_a_proof_of(skill: Path) -> None:
    (skill / "facts.yaml").write_text('- id: one\n  new: |\n    import lab\n    lab.run("a", tims=2)\n')
    text = run(str(skill / "facts.yaml"), code=1)
    assert "facts.yaml:4" in text
    assert "SKILL.md" not in text
    assert "Name the skill" in run(str(skill / "facts.yaml"), "--write", code=2)
    assert "SKILL.md:19" in run(str(skill / "facts.yaml"), str(skill), code=1)
    Path("stray.md").write_text("# Stray\n")
    assert "belongs to no skill" in run("stray.md", code=2)
