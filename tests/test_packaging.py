"""What a user installs: the built wheel, in a fresh environment, with the skills in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import airskills
from airskills import cli
from airskills.scopes import bundled_root
from offline import REPOSITORY, RUNTIME, lend

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SKILLS = sorted(path.parent.name for path in (REPOSITORY / "skills").glob("*/SKILL.md"))
LARGEST = 1_000_000  # bytes
UNWANTED = (
    "/tests/",
    "__pycache__",
    ".pyc",
    "/.git/",
    "/.github/",
    ".sqlite3",
    ".safetensors",
    ".whl",
    "/benchmarks/",
    "/.venv",
)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel built from that sdist, with the installed hatchling and no network."""
    folder = tmp_path_factory.mktemp("dist")
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        folder,
        REPOSITORY,
        cwd=folder,
        PYTHONPATH="",
    )
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; its dependencies are those of this environment, seen through a .pth file."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-compile",
        wheel,
        cwd=folder,
        PYTHONPATH="",
    )
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    shared = lend(tmp_path_factory.mktemp("dependencies"), RUNTIME)
    (site / "dependencies.pth").write_text(f"{shared}\n", encoding="utf-8")
    return folder


def wheel_names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_carries_every_skill_where_agents_look(wheel: Path) -> None:
    names = set(wheel_names(wheel))

    assert SKILLS
    assert {f"airskills/.agents/skills/{name}/SKILL.md" for name in SKILLS} <= names


def test_the_wheel_carries_every_file_of_the_skills_and_templates(wheel: Path) -> None:
    names = set(wheel_names(wheel))
    for source, target in (("skills", "airskills/.agents/skills"), ("templates", "airskills/templates")):
        listed = {
            f"{target}/{path.relative_to(REPOSITORY / source).as_posix()}"
            for path in (REPOSITORY / source).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        }

        assert listed <= names


def test_the_wheel_carries_the_data_and_the_mark_of_types(wheel: Path) -> None:
    data = {f"airskills/data/{path.name}" for path in (REPOSITORY / "src/airskills/data").glob("*.json")}

    assert data | {"airskills/py.typed", "airskills/__init__.py"} <= set(wheel_names(wheel))


def test_neither_archive_carries_what_nobody_needs(built: Path, wheel: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = [(member.name, member.size) for member in archive.getmembers()]
    with zipfile.ZipFile(wheel) as packed:
        members += [(member.filename, member.file_size) for member in packed.infolist()]

    assert [name for name, _ in members if any(mark in f"/{name}" for mark in UNWANTED)] == []
    assert [(name, size) for name, size in members if size > LARGEST] == []


def test_the_metadata_says_what_the_project_says(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())

    assert metadata["Name"] == "airskills"
    assert metadata["Version"] == PROJECT["version"] == airskills.__version__
    assert {
        line.partition(";")[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line
    } == set(PROJECT["dependencies"])
    assert metadata["License-Expression"] == "MIT"


def test_every_lab_that_is_mounted_has_its_extra() -> None:
    mounted = {extra for name, (_, extra, _) in cli._LABS.items() if cli._lab_exists(name)}

    assert mounted <= set(PROJECT.get("optional-dependencies", {}))


@pytest.mark.full
def test_the_installed_tool_lists_its_own_skills(installed: Path, tmp_path: Path) -> None:
    script = installed / "bin" / "airskills"
    where = run(script, "path", SKILLS[0], cwd=tmp_path, PYTHONPATH="").strip()
    listed = run(script, "list", cwd=tmp_path, PYTHONPATH="").splitlines()

    assert [line.partition("\t")[0] for line in listed] == SKILLS
    assert where.startswith(str(installed))
    assert where.endswith(f"/airskills/.agents/skills/{SKILLS[0]}")


@pytest.mark.full
@pytest.mark.parametrize("name", SKILLS)
def test_the_installed_tool_loads_a_skill_byte_for_byte(installed: Path, tmp_path: Path, name: str) -> None:
    text = run(installed / "bin" / "airskills", "load", name, "SKILL.md", cwd=tmp_path, PYTHONPATH="")

    assert text == (REPOSITORY / "skills" / name / "SKILL.md").read_text(encoding="utf-8")


@pytest.mark.full
def test_the_installed_tool_makes_and_finds_skills(installed: Path, tmp_path: Path) -> None:
    python = installed / "bin" / "python"

    made = run(python, "-m", "airskills", "new", "my-tool", cwd=tmp_path, PYTHONPATH="")
    found = run(python, "-m", "airskills", "search", SKILLS[0], cwd=tmp_path, PYTHONPATH="")

    assert "skills/my-tool/SKILL.md" in made
    assert found.startswith(f"{SKILLS[0]}\t")


def test_a_checkout_reads_the_skills_of_the_repository() -> None:
    assert Path(airskills.__file__).parent == REPOSITORY / "src" / "airskills"
    assert Path(bundled_root()) == REPOSITORY / "skills"


@pytest.mark.full
def test_the_installed_package_checks_another_library(installed: Path, tmp_path: Path) -> None:
    skill = tmp_path / "demo" / "SKILL.md"
    skill.parent.mkdir()
    skill.write_text(
        "---\nname: demo\ndescription: Reads logs. Use when a run fails.\nversion: 1\n---\n# Demo\n"
    )
    source = "from airskills import check; print([(f.code, f.line, f.severity) for f in check.run('.')])"

    assert run(installed / "bin" / "python", "-c", source, cwd=tmp_path, PYTHONPATH="").strip() == (
        "[('AS117', 4, 'error')]"
    )
