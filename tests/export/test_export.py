"""Manifests: made from the skills, the same bytes each time, valid, and up to date in this repository."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from airskills import check, parse
from airskills.catalog import clients
from airskills.cli import cli
from airskills.errors import AirskillsError
from airskills.export import manifests, project, site, write
from airskills.install.fetch import fetch
from airskills.install.source import Source
from airskills.settings import Settings
from web import site_of

MakeSkill = Callable[..., Path]
REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = Path(__file__).resolve().parents[1] / "data" / "schemas"
PYPROJECT = '[project]\nname = "tools"\nversion = "2.1"\ndescription = "Tools."\nlicense = "MIT"\nauthors = [{ name = "A" }]\n'
KINDS = {
    ".claude-plugin/marketplace.json": "claude-marketplace",
    ".agents/plugins/marketplace.json": "codex-marketplace",
    ".codex-plugin/plugin.json": "codex-plugin",
    ".cursor-plugin/marketplace.json": "cursor-marketplace",
    ".cursor-plugin/plugin.json": "cursor-plugin",
    "gemini-extension.json": "gemini-extension",
    "plugin.json": "agent-plugin",
    "server.json": "mcp-server",
}


@pytest.fixture
def many(tmp_path: Path, make_skill: MakeSkill) -> Path:
    """A repository of forty skills in two categories, one of them with long descriptions."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    for number in range(40):
        category, length = ("alpha", 40) if number < 32 else ("beta", 900)
        words = "word " * (length // 5)
        extra = f"metadata:\n  airskills-category: {category}\n  airskills-tags: one two\n"
        make_skill(
            tmp_path / "skills", f"skill-{number:02}", description=f"{words}Use when needed.", extra=extra
        )
    return tmp_path


def valid(value: Any, kind: str) -> list[str]:
    schema = json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def test_the_manifests_of_this_repository_are_up_to_date() -> None:
    done = CliRunner().invoke(cli, ["export", str(REPOSITORY), "--check"])

    assert done.exit_code == 0, f"run `airskills export`: {done.stdout}"


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_a_manifest_follows_its_format(many: Path, path: str, kind: str) -> None:
    for root in (many, REPOSITORY):
        assert valid(json.loads(manifests.manifests(project.read(root))[path]), kind) == []


def of_url(root: Path, url: str) -> dict[str, Any]:
    """The entry of the MCP registry for a project with this home page; none where it is ""."""
    urls = f'[project.urls]\nHomepage = "{url}"\n' if url else ""
    (root / "pyproject.toml").write_text(PYPROJECT + urls, encoding="utf-8")
    entry: dict[str, Any] = json.loads(manifests.manifests(project.read(root))["server.json"])
    return entry


@pytest.mark.parametrize(
    ("url", "name", "source"),
    [
        ("https://github.com/Some-Body/tools", "io.github.Some-Body/tools", "github"),
        ("https://gitlab.com/group/tools", "io.gitlab.group/tools", "gitlab"),
        ("https://docs.example.org/tools", "org.example.docs/tools", None),
    ],
)
def test_the_entry_of_the_registry_has_a_name_that_the_owner_can_prove(
    many: Path, url: str, name: str, source: str | None
) -> None:
    entry = of_url(many, url)

    assert valid(entry, "mcp-server") == []
    assert (entry["name"], entry["websiteUrl"]) == (name, url)
    assert entry.get("repository", {}).get("source") == source
    assert entry["packages"][0]["identifier"] == "tools"


def test_a_project_without_an_address_claims_no_name_and_no_package(many: Path) -> None:
    entry = of_url(many, "")

    assert valid(entry, "mcp-server") == []
    assert entry.keys() == {"$schema", "name", "description", "version"}
    assert entry["name"] == "localhost/tools"


def test_gemini_starts_the_server_from_its_own_checkout_and_from_no_index(many: Path) -> None:
    extension = json.loads(manifests.manifests(project.read(many))["gemini-extension.json"])
    arguments = extension["mcpServers"]["tools"]["args"]

    assert arguments == ["--from", "${extensionPath}[mcp]", "tools", "serve"]


def test_the_same_skills_give_the_same_bytes_wherever_and_whenever(many: Path) -> None:
    found = project.read(many)
    first, second = write.of_repository(found), write.of_repository(project.read(many))
    sites = [site.site(found), site.site(project.read(many))]
    for path in many.rglob("SKILL.md"):
        path.touch()

    assert first == second
    assert sites[0] == sites[1] == site.site(project.read(many))
    assert not any(str(many).encode() in data for data in [*first.values(), *sites[0].values()])


def test_every_skill_is_in_one_bundle_that_every_client_lists_whole(many: Path) -> None:
    bundles = project.bundles(project.read(many).skills)
    names = [skill.name for bundle in bundles for skill in bundle.skills]

    assert sorted(names) == [f"skill-{number:02}" for number in range(40)]
    assert [bundle.name for bundle in bundles][:3] == ["alpha-1", "alpha-2", "alpha-3"]
    limits = [known for known in clients().values() if known["listing_characters"]]
    assert limits
    for bundle in bundles:
        assert len(bundle.skills) <= 15
        for known in limits:
            cost = sum(len(s.name) + len(s.description) + known["overhead_characters"] for s in bundle.skills)
            assert cost <= known["listing_characters"]


def test_the_paths_of_the_marketplace_lead_to_skills() -> None:
    written = json.loads((REPOSITORY / ".claude-plugin" / "marketplace.json").read_text(encoding="utf-8"))
    paths = [path for plugin in written["plugins"] for path in plugin["skills"]]

    assert all((REPOSITORY / path / "SKILL.md").is_file() for path in paths)
    assert len(paths) == len(set(paths))


def test_the_router_is_a_skill_that_names_every_other_and_passes_the_check(many: Path) -> None:
    write.write(write.of_repository(project.read(many)), many)
    router = many / "router" / "airskills" / "SKILL.md"
    skill = parse(router.read_bytes(), str(router), strict=True)

    assert all(f"`skill-{number:02}`" in skill.body for number in range(40))
    assert len(skill.description) <= 1024
    assert check.run(REPOSITORY / "router", settings=Settings()) == []


def test_check_names_what_is_out_of_date_and_writes_nothing(many: Path, make_skill: MakeSkill) -> None:
    CliRunner().invoke(cli, ["export", str(many)])
    make_skill(many / "skills", "another")
    before = {path: path.read_bytes() for path in many.rglob("*") if path.is_file()}
    done = CliRunner().invoke(cli, ["export", str(many), "--check"])

    assert done.exit_code == 1
    assert set(done.stdout.split()) == {
        ".claude-plugin/marketplace.json", ".codex-plugin/plugin.json", ".cursor-plugin/marketplace.json", manifests.ROUTER,
    }  # fmt: skip
    assert {path: path.read_bytes() for path in many.rglob("*") if path.is_file()} == before


def test_the_table_of_the_readme_stands_between_its_marks_and_the_rest_stays(many: Path) -> None:
    start, end = manifests.TABLE
    (many / "README.md").write_text(f"# Before\n\n{start}\nold\n{end}\n\nAfter\n", encoding="utf-8")
    CliRunner().invoke(cli, ["export", str(many)])
    text = (many / "README.md").read_text(encoding="utf-8")

    assert text.startswith("# Before\n\n")
    assert text.endswith("\n\nAfter\n")
    assert "old" not in text
    assert len(re.findall(r"^\| `skill-\d\d` \|", text, re.MULTILINE)) == 40


def test_the_page_of_evals_gets_its_tables_and_one_without_its_last_mark_is_an_error(many: Path) -> None:
    page = many / write.EVALS
    page.parent.mkdir(parents=True)
    page.write_text("\n".join(["Before", *write.TRIALS, "After"]), encoding="utf-8")
    task = {"id": 1, "slug": "port", "tried": {"without": "failed", "with": "passed"}}
    evals = many / "skills" / "skill-07" / "evals" / "evals.json"
    evals.parent.mkdir()
    evals.write_text(json.dumps({"evals": [task]}), encoding="utf-8")
    CliRunner().invoke(cli, ["export", str(many)])
    text = page.read_text(encoding="utf-8")

    assert text.startswith("Before\n<!-- evals")
    assert text.endswith("-->\nAfter")
    assert "| [skill-07](../../skills/skill-07/SKILL.md) | `port` | failed | passed | yes |" in text

    page.write_text(write.TRIALS[0], encoding="utf-8")
    with pytest.raises(AirskillsError, match="has no line"):
        write.of_repository(project.read(many))


@pytest.mark.parametrize(("text", "why"), [("", "no \\[project\\]"), ("x =", "no \\[project\\]")])
def test_a_repository_without_a_project_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AirskillsError, match=why):
        project.read(tmp_path)


def test_both_indexes_of_the_site_follow_their_formats_and_agree_with_its_files() -> None:
    files = site.site(project.read(REPOSITORY))
    new, old = (json.loads(files[f"{folder}/index.json"]) for folder in (site.NEW, site.OLD))

    assert valid(new, "discovery-0.2") == []
    assert valid(old, "discovery-0.1") == []
    for entry, older in zip(new["skills"], old["skills"], strict=True):
        with tarfile.open(fileobj=io.BytesIO(files[f"{site.NEW}/{entry['url']}"])) as packed:
            assert sorted(packed.getnames()) == sorted(older["files"])
            assert {member.mtime for member in packed} == {0}
            assert {(member.uid, member.uname) for member in packed} == {(0, "")}
        assert all(f"{site.OLD}/{older['name']}/{path}" in files for path in older["files"])


def test_what_the_site_gives_is_installed_as_it_lies_in_the_repository(tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["export", str(REPOSITORY), "--site", str(tmp_path / "site")])
    into = tmp_path / "into"
    into.mkdir()
    with site_of(tmp_path / "site") as address:
        found = fetch(Source("well-known", address), into)

    for one in found:
        for path, data in one.content.files.items():
            assert (REPOSITORY / "skills" / one.skill.name / path).read_bytes() == data
