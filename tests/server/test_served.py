"""What is served: every file with its digest, nothing else, and nothing of a skill that hosts would refuse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import pytest
from fastmcp.skills._snapshot import parse_frontmatter
from fastmcp.skills.models import MCPSkill
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airskills import trust
from airskills.library import Library
from airskills.server import served
from airskills.server.extension import ReadDirectoryParams, SkillsExtension
from airskills.server.live import Live
from airskills.server.served import Catalogue, open_catalogue
from serving import SECRET, library_of

MakeSkill = Callable[..., Path]
SKILLS = Path(__file__).resolve().parents[2] / "skills"


def catalogue_of(root: Path) -> Catalogue:
    return open_catalogue(partial(Library.open, root))


def left_out(catalogue: Catalogue) -> list[str]:
    return [f.message for f in catalogue.findings() if f.code == "AS820"]


def test_an_entry_has_every_file_once_with_the_digest_and_size_of_its_bytes(tmp_path: Path) -> None:
    root = library_of(tmp_path / "skills")
    entry = catalogue_of(root).entry("alpha")

    assert [file.path for file in entry.files] == [
        "SKILL.md",
        "a b#c.txt",
        "references/deep/data.bin",
        "references/guide.md",
    ]
    for file in entry.files:
        content = (root / "alpha" / file.path).read_bytes()
        assert file.size == len(content)
        assert file.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert unquote(file.uri) == f"skill://alpha/{file.path}"
    assert entry.files[1].uri == "skill://alpha/a%20b%23c.txt"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SKILLS.glob("*/SKILL.md")))
def test_hosts_that_compare_an_entry_with_the_file_find_no_difference(name: str) -> None:
    entry = catalogue_of(SKILLS).entry(name)
    parsed = MCPSkill.model_validate(entry.wire)

    assert parsed.frontmatter == parse_frontmatter((SKILLS / name / "SKILL.md").read_bytes())


def many_files(folder: Path) -> None:
    for number in range(512):
        (folder / f"{number}.txt").touch()


def many_bytes(folder: Path) -> None:
    for number in range(2):
        with (folder / f"{number}.bin").open("wb") as stream:
            stream.truncate(8 * 1024 * 1024)


def one_file_too_large(folder: Path) -> None:
    with (folder / "large.bin").open("wb") as stream:
        stream.truncate(16 * 1024 * 1024 + 1)


@pytest.mark.parametrize(
    ("fill", "why"),
    [
        (many_files, "more than 512 files"),
        (many_bytes, "more than 16,777,216 bytes"),
        (one_file_too_large, "16,777,217 bytes; the limit is 16,777,216"),
    ],
)
def test_a_skill_over_a_limit_is_left_out_with_a_finding_and_still_loads(
    tmp_path: Path, make_skill: MakeSkill, fill: Callable[[Path], None], why: str
) -> None:
    fill(make_skill(tmp_path, "large"))
    make_skill(tmp_path, "small")
    catalogue = catalogue_of(tmp_path)

    assert [entry.skill.name for entry in catalogue.served()] == ["small"]
    assert why in left_out(catalogue)[0]
    assert catalogue.read("skill://large/SKILL.md") is None
    assert catalogue.library.load("large").body


def test_a_skill_at_the_limit_of_files_is_served(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(tmp_path, "full")
    for number in range(511):
        (folder / f"{number}.txt").touch()

    assert len(catalogue_of(tmp_path).entry("full").files) == 512


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: Bad_Name\ndescription: d", "AS112"),
        (f"name: x\ndescription: {'d' * 1025}", "AS116"),
        ("name: x\ndescription: Use this: now", "AS106"),
        ("name: x\ndescription: d\nlicense: [MIT]", "AS118"),
        ("name: x\ndescription: d\nsize: .inf", "JSON"),
        ("name: x\ndescription: d\nreleased: 2026-01-01", "JSON"),
        ("name: x\nname: y\ndescription: d", "AS107"),
    ],
)
def test_a_skill_that_hosts_would_refuse_is_left_out_and_says_why(
    tmp_path: Path, text: str, why: str
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    folder.joinpath("SKILL.md").write_text(f"---\n{text}\n---\n\n# X\n", encoding="utf-8")
    catalogue = catalogue_of(tmp_path)

    assert catalogue.served() == []
    assert why in left_out(catalogue)[0]
    assert len(catalogue.skills) == 1


@pytest.mark.parametrize("extra", ["version: 2\n", "user-invocable: true\n"])
def test_fields_that_nobody_knows_are_passed_on(tmp_path: Path, make_skill: MakeSkill, extra: str) -> None:
    make_skill(tmp_path, "peft", extra=extra)
    key = extra.partition(":")[0]

    assert key in catalogue_of(tmp_path).entry("peft").wire["frontmatter"]


def test_pages_hold_every_entry_once_whatever_their_size(tmp_path: Path, make_skill: MakeSkill) -> None:
    names = [f"skill-{number:02}" for number in range(7)]
    for name in names:
        make_skill(tmp_path, name)
    catalogue = catalogue_of(tmp_path)
    for size in range(1, 9):
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page, after = catalogue.page(after, size)
            assert len(page) <= size
            seen += [entry.skill.name for entry in page]
        assert seen == names


def test_a_directory_of_many_files_comes_in_pages_that_hold_each_once(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    folder = make_skill(tmp_path, "wide") / "references"
    folder.mkdir()
    for number in range(250):
        (folder / f"{number:03}.md").touch()
    extension = SkillsExtension(Live(partial(Library.open, tmp_path), tell=print, watch=False))
    context: Any = None  # which it does not look at
    sizes: list[int] = []
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked = ReadDirectoryParams(uri="skill://wide/references", cursor=cursor)
        page = anyio.run(partial(extension._read_directory, context, asked))
        sizes.append(len(page["resources"]))
        seen += [child["uri"] for child in page["resources"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break

    assert sizes == [100, 100, 50]
    assert seen == [f"skill://wide/references/{number:03}.md" for number in range(250)]


def test_an_entry_asked_for_again_is_as_the_files_are_now(tmp_path: Path) -> None:
    root = library_of(tmp_path / "skills")
    catalogue = catalogue_of(root)
    before = catalogue.entry("alpha")
    (root / "alpha" / "new.txt").write_text("new", encoding="utf-8")
    (root / "alpha" / "references" / "guide.md").write_text("changed", encoding="utf-8")
    after = catalogue.fresh("alpha")

    assert after is not None
    assert {f.path for f in after.files} - {f.path for f in before.files} == {"new.txt"}
    assert catalogue.read("skill://alpha/new.txt") == b"new"
    assert after.by_uri["skill://alpha/references/guide.md"].size == 7


def test_looking_again_keeps_what_did_not_change(tmp_path: Path) -> None:
    root = library_of(tmp_path / "skills")
    before = catalogue_of(root)
    kept, lost = before.entry("alpha"), before.entry("beta")
    (root / "beta" / "new.txt").touch()
    after = open_catalogue(partial(Library.open, root), before)

    assert after.entry("alpha") is kept
    assert len(after.entry("beta").files) == len(lost.files) + 1


def test_a_project_skill_is_served_while_it_is_trusted_and_unchanged(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    folder = make_skill(tmp_path / ".agents" / "skills", "ours")
    opened = partial(Library.open, scopes=["project"], project=tmp_path)
    assert open_catalogue(opened).skills == {}

    trust.remember(str(folder))
    catalogue = open_catalogue(opened)
    assert catalogue.read("skill://ours/SKILL.md") is not None

    (folder / "more.txt").write_text("new words", encoding="utf-8")
    assert catalogue.read("skill://ours/SKILL.md") is None
    assert catalogue.fresh("ours") is None


def test_the_old_index_has_the_addresses_and_digests_of_the_entries(tmp_path: Path) -> None:
    catalogue = catalogue_of(library_of(tmp_path / "skills"))
    index = catalogue.index()

    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert [(skill["url"], skill["digest"]) for skill in index["skills"]] == [
        (entry.uri, entry.files[0].digest) for entry in catalogue.served()
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(library_of(tmp_path_factory.mktemp("hostile") / "skills"))


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "alpha",
        "SKILL.md",
        "secret.txt",
        "out.txt",
        "references",
        "%2e%2e",
        "%2F",
        "%00",
        "~",
        "/etc/passwd",
    ]
)
PATHS = st.one_of(
    st.lists(PIECES, max_size=6).map("/".join),
    st.lists(PIECES, max_size=6).map("\\".join),
    st.text(max_size=60),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(rest=PATHS)
def test_no_address_leads_out_of_a_skill(hostile: Catalogue, rest: str) -> None:
    for uri in (rest, f"skill://{rest}", f"skill://alpha/{rest}"):
        content = hostile.read(uri)
        assert content is None or SECRET.encode() not in content
        if content is not None:
            assert hostile.locate(uri) is not None


def test_types_do_not_depend_on_the_machine() -> None:
    kinds = {
        "a.md": "text/markdown",
        "a.py": "text/x-python",
        "a.yaml": "application/yaml",
        "a.json": "application/json",
        "LICENSE": "text/plain",
        "a.png": "image/png",
    }

    assert {path: served.File(path, "", 0, "").mime_type for path in kinds} == kinds
