"""The tree: a page for everything, written only when it changed, with nothing typed that can be counted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from markdown import Markdown

from airskills import proof
from airskills.cli import cli
from airskills.export.project import read
from airskills.folder import open_folder
from airskills.proof import Part
from airskills.rules import RULES
from airskills.site import (
    catalogue,
    coverage,
    evidence,
    plot,
    render,
    result_pages,
    rule_pages,
    skill_pages,
    tree,
)
from airskills.skill import Skill

MakeSkill = Callable[..., Path]
REPOSITORY = Path(__file__).resolve().parents[2]
PYPROJECT = '[project]\nname = "tools"\nversion = "2.1"\ndescription = "Tools."\nlicense = "MIT"\n'
# What MkDocs and Zensical 0.0.72 both have; others Zensical passes over without a word, and pages would be missing.
PLUGINS = {"search", "literate-nav", "mkdocstrings", "tags", "redirects"}
BODY = """# Demo

See [more](references/more.md#part), [code](scripts/do.py), [data](assets/table.csv), [facts](facts.yaml) and `other`.

```python
print(1)
```

```python {proof="static: needs CUDA"}
print(2)
```
"""
META = 'metadata:\n  airskills-category: rag\n  airskills-tags: "one two"\n  airskills-tested-with: "torch==2.13.0 faiss-cpu==1.15.1"\n'
FACTS = "- id: gone\n  old: |\n    import nowhere\n  fails: import\n  new: |\n    import json\n"


@pytest.fixture
def project(tmp_path: Path, make_skill: MakeSkill) -> Path:
    """A repository of two skills, one of them with one of everything."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "start.md").write_text(
        "# Start\n\n[Read](../CONTRIBUTING.md#a) [x](https://a.org)\n", encoding="utf-8"
    )
    (tmp_path / "CONTRIBUTING.md").write_text("# Contributing\n", encoding="utf-8")
    demo = make_skill(tmp_path / "skills", "demo", extra=META, body=BODY)
    for path, text in {
        "references/more.md": "# More\n\nWhat else.\n\n## Part\n\n[up](../SKILL.md)\n",
        "scripts/do.py": "print(3)\n",
        "assets/table.csv": "a,b\n",
        "facts.yaml": FACTS,
    }.items():
        (demo / path).parent.mkdir(exist_ok=True)
        (demo / path).write_text(text, encoding="utf-8")
    make_skill(tmp_path / "skills", "other", extra='metadata:\n  airskills-tags: "two"\n')
    return tmp_path


def skill_of(root: Path, name: str = "demo") -> Skill:
    return next(skill for skill in read(root).skills if skill.name == name)


def prove(root: Path, **halves: bool) -> None:
    folder = root / "skills" / "demo"
    part = Part(
        proof.content_hash(open_folder(str(folder))),
        "2026-01-02",
        {},
        {},
        {"statements": 4, "statements_proven": 3},
    )
    proof.write(
        folder, static=part if halves.get("static") else None, ran=part if halves.get("ran") else None
    )


def pages_of(root: Path) -> dict[str, str]:
    return skill_pages.pages(evidence.gather(skill_of(root)), [("other", "Another one")])


def test_the_tree_of_this_repository_has_a_page_for_every_skill_reference_rule_and_command(
    tmp_path: Path,
) -> None:
    made = tree.build(read(REPOSITORY), cli, tmp_path)
    skills = {path.parent.name for path in REPOSITORY.glob("skills/*/SKILL.md")}
    references = {
        path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("skills/*/references/*.md")
    }

    assert {path.split("/")[1] for path in made if re.fullmatch(r"skills/[^/]+/index\.md", path)} == skills
    assert references <= made.keys()
    assert {f"reference/rules/{code}.md" for code in RULES} <= made.keys()
    assert all(
        f"reference/commands/{name}.md" in made for name in cli.list_commands(cli.make_context("x", ["list"]))
    )


def test_a_second_run_writes_nothing_and_what_is_no_page_any_more_goes(project: Path) -> None:
    runs = []
    for step in range(3):
        if step == 2:
            (project / "skills" / "demo" / "references" / "more.md").unlink()
        done = CliRunner().invoke(cli, ["site", str(project), "--json"])
        assert done.exit_code == 0, done.output
        runs.append(json.loads(done.stdout))

    assert len(runs[0]["written"]) == runs[0]["files"]
    assert runs[1]["written"] == runs[1]["removed"] == []
    assert runs[2]["removed"] == ["skills/demo/references/more.md"]
    assert {"SUMMARY.md", "skills/demo/index.md"} <= set(runs[2]["written"])


def test_what_was_made_of_a_skill_is_made_again_only_after_a_change(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tree.build(read(project), cli, project / "kept")
    asked: list[str] = []

    def seen(skill: Skill) -> evidence.Evidence:
        asked.append(skill.name)
        return evidence.gather(skill)

    monkeypatch.setattr("airskills.site.shelf.gather", seen)

    assert tree.build(read(project), cli, project / "kept") == first
    assert asked == []

    (project / "skills" / "demo" / "scripts" / "do.py").write_text("print(5)\n", encoding="utf-8")
    assert b"print(5)" in tree.build(read(project), cli, project / "kept")["skills/demo/code.md"]
    assert asked == ["demo"]

    (project / "kept" / "other.json").write_text("{", encoding="utf-8")
    assert (
        tree.build(read(project), cli, project / "kept")["skills/other/index.md"]
        == first["skills/other/index.md"]
    )


def test_several_processes_make_the_pages_that_one_makes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tree.build(read(project), cli, project / "kept")
    monkeypatch.setattr("airskills.site.shelf.POOL_FROM", 1)

    assert tree.build(read(project), cli, project / "kept-by-others") == alone


def test_links_of_a_skill_lead_to_its_pages(project: Path) -> None:
    made = pages_of(project)

    assert "[more](references/more.md#part)" in made["index.md"]
    assert "[code](code.md#scripts-do-py)" in made["index.md"]
    assert "[data](assets/table.csv)" in made["index.md"]
    assert "[facts](proof.md)" in made["index.md"]
    assert "[up](../index.md)" in made["references/more.md"]
    assert "{ #scripts-do-py }" in made["code.md"]
    assert "assets/table.csv" in skill_pages.files(evidence.gather(skill_of(project)))


def test_links_of_a_page_written_by_hand_lead_to_where_the_site_shows_it(project: Path) -> None:
    made = tree.build(read(project), cli, project / "kept")

    assert b"[Read](project/contributing.md#a) [x](https://a.org)" in made["start.md"]


def test_what_nobody_proved_is_shown_as_not_proven(project: Path) -> None:
    found = evidence.gather(skill_of(project))

    assert found.verdict == "unproven"
    assert {row.state for row in found.rows} == {"unproven"}
    assert "Not proven" in pages_of(project)["index.md"]


def test_each_unit_shows_what_became_of_it(project: Path) -> None:
    prove(project, static=True, ran=True)
    found = evidence.gather(skill_of(project))
    states = {
        f"{row.unit.kind} {row.unit.title}".strip(): (row.state, row.note)
        for row in found.rows
        if row.unit.kind != "blocks"
    }

    assert found.verdict == "proven"
    assert [(row.state, row.note) for row in found.rows if row.unit.kind == "blocks"] == [
        ("ran", ""),
        ("static", "needs CUDA"),
    ]
    assert states["facts gone old"] == ("ran", "fails as stated")
    assert states["facts gone new"] == ("ran", "")
    assert states["scripts --help"] == ("ran", "answers --help")
    assert found.needs == ("cuda",)
    assert "3 of 4 statements proven" in pages_of(project)["index.md"]


def test_a_proof_of_other_content_proves_nothing(project: Path) -> None:
    prove(project, static=True, ran=True)
    (project / "skills" / "demo" / "scripts" / "do.py").write_text("print(4)\n", encoding="utf-8")
    found = evidence.gather(skill_of(project))

    assert found.verdict == "stale"
    assert found.date == ""
    assert {row.state for row in found.rows} == {"unproven"}


def test_one_half_is_no_whole_proof(project: Path) -> None:
    prove(project, static=True)

    assert evidence.gather(skill_of(project)).verdict == "partly"


def test_the_catalogue_filters_by_what_skills_have(project: Path) -> None:
    found = [evidence.gather(skill) for skill in read(project).skills]
    choices = {
        name: [value for value, _ in options]
        for name, _, options in catalogue.filters([catalogue.entry(e) for e in found])
    }

    assert choices == {
        "category": ["rag"],
        "tool": ["faiss-cpu", "torch"],
        "tag": ["one", "two"],
        "needs": ["cpu", "cuda"],
        "proof": ["unproven"],
    }


def test_the_tool_of_a_skill_is_named_first_as_its_frontmatter_does(project: Path) -> None:
    assert list(evidence.gather(skill_of(project)).pins) == ["torch", "faiss-cpu"]


def test_related_skills_are_those_it_names_then_those_that_share_a_tag(project: Path) -> None:
    assert [skill.name for skill in skill_pages.related_to(skill_of(project), read(project).skills)] == [
        "other"
    ]


def test_code_of_a_rule_page_is_fenced_and_colored() -> None:
    page = rule_pages.pages()["AS301.md"]

    assert '````markdown title="demo/SKILL.md"\n---\nname: demo' in page
    assert "\n    ---" not in page


def test_the_builders_share_every_plugin_and_fetch_nothing() -> None:
    class Loader(yaml.SafeLoader):
        """Takes tags of Python and of the environment for text."""

    Loader.add_multi_constructor("", lambda *_: "")
    settings = yaml.load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), Loader)  # of ours
    plugins = {name if isinstance(name, str) else next(iter(name)) for name in settings["plugins"]}

    assert plugins <= PLUGINS
    assert settings["theme"]["font"] is False
    assert "hooks" not in settings
    assert all(
        not path.startswith("http") for path in [*settings["extra_css"], *settings["extra_javascript"]]
    )


def test_every_committed_result_has_a_page_and_every_chart_finds_its_figures() -> None:
    made = result_pages.pages(REPOSITORY)
    results = {path.stem for path in (REPOSITORY / "benchmarks" / "results").glob("*.json")}

    assert {f"project/benchmarks/{name.replace('_', '-')}.md" for name in results} <= made.keys()
    for name, charts in result_pages.CHARTS.items():
        assert made[f"project/benchmarks/{name.replace('_', '-')}.md"].count("<svg") == len(charts), name
    assert made["experiments/results.md"].count('class="badge') == len(
        list(REPOSITORY.glob("docs/experiments/results/*.json"))
    )


def test_nothing_in_a_span_of_code_is_taken_for_markdown() -> None:
    text = "a[0][2:] == b | c * d * e_f_ `g` \\n $x$ <h>"
    made = Markdown(extensions=["tables", "airskills.site.mathml"]).convert(f"It holds {render.code(text)}.")

    assert unescape(made) == f"<p>It holds <code>{text}</code>.</p>"


def test_a_claim_is_shown_to_its_end_with_its_source_as_a_link() -> None:
    made = result_pages.pages(REPOSITORY)["experiments/results.md"]

    assert "grows with the scale of the initialization: 1, 4, 8." in made
    assert "<https://arxiv.org/abs/2210.01117> (there MNIST, 1,000 images)." in made


def test_every_result_says_which_question_it_answers() -> None:
    listed = result_pages.pages(REPOSITORY)["project/benchmarks/index.md"]
    rows = re.findall(r"(?m)^\| \[(.+?)\]\(.+?\) \| (.*?) \| .*\|$", listed)

    assert [title for title, question in rows if not question] == []
    assert len(rows) == len(list((REPOSITORY / "benchmarks" / "results").glob("*.json")))


def test_a_bar_is_as_long_as_its_figure_says() -> None:
    drawn = plot.bars("T", "s", {"ours": 1.0, "theirs <b>": 4.0})

    assert re.findall(r'width="([\d.]+)" height="10"', drawn) == ["102.5", "410.0"]
    assert "theirs &lt;b&gt;" in drawn


def test_a_line_runs_over_whole_powers_of_ten() -> None:
    drawn = plot.lines("T", "s", {"a": [(100, 0.1), (1000, 10)]})

    assert 'points="62.0,210.0 450.0,10.0"' in drawn
    assert all(f">{tick}<" in drawn for tick in ("100", "1,000", "0.1", "1", "10"))


def test_the_rows_of_the_roadmap_are_counted_by_their_state() -> None:
    text = (
        "## Part\n\n| row | state |\n|---|---|\n| 1 a | done: here |\n| 2 b | not planned: no |\n| 3 c | as it is |\n\n"
        "| category | done | planned |\n|---|---|---|\n| `rag` | faiss (ours) | chroma, qdrant |\n"
    )
    found = [(row.section, row.what, row.state, row.note) for row in coverage.rows(text)]

    assert found == [
        ("Part", "1 a", "done", "here"),
        ("Part", "2 b", "not planned", "no"),
        ("Part", "3 c", "other", "as it is"),
    ]
    assert coverage.planned(text) == {"rag": ["faiss", "chroma", "qdrant"]}
    assert "| rag | 1 | 3 | chroma, qdrant |" in coverage.page(text, ["faiss"])
