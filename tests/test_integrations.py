"""The pre-commit hook and the GitHub action, each run as another repository runs it, without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from offline import REPOSITORY, commit_all, copy_of_the_repository, head, pip_environment

MakeSkill = Callable[..., Path]
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_repository(tmp_path_factory.mktemp("published") / "airskills")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pip_environment(tmp_path_factory.mktemp("lent"))


def script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_hook_and_action_are_what_their_readers_accept() -> None:
    subprocess.run(
        [script("pre-commit"), "validate-manifest", ".pre-commit-hooks.yaml"], cwd=REPOSITORY, check=True
    )
    subprocess.run(
        [script("check-jsonschema"), "--builtin-schema", "vendor.github-actions", "action.yml"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )


@pytest.mark.full
def test_the_hook_stops_a_commit_with_a_broken_skill_and_lets_a_repaired_one_pass(
    published: Path, environment: dict[str, str], tmp_path: Path, make_skill: MakeSkill
) -> None:
    repository = tmp_path / "theirs"
    make_skill(repository / "skills", "demo", extra="version: 1\n")
    hooks = [{"id": "airskills-check"}]
    config = {"repos": [{"repo": str(published), "rev": head(published), "hooks": hooks}]}
    (repository / ".pre-commit-config.yaml").write_text(json.dumps(config), encoding="utf-8")
    commit_all(repository)

    def hook() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script("pre-commit"), "run", "--all-files", "--color=never"],
            cwd=repository,
            env={**environment, "PRE_COMMIT_HOME": str(tmp_path / "pre-commit")},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    broken = hook()
    make_skill(repository / "skills", "demo")
    repaired = hook()

    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "skills/demo/SKILL.md:4:1: AS117 " in broken.stdout
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "airskills check" in repaired.stdout


INSTALL, CHECK = ACTION["runs"]["steps"]


@dataclass
class Runner:
    """A runner of composite actions, as far as ours needs one: shell steps, inputs, the files of the job."""

    environment: dict[str, str]
    workspace: Path
    summary: Path
    log: str = ""

    def run(self, step: dict[str, Any], **given: str) -> int:
        """Run one step as GitHub does; returns its status."""
        assert step["shell"] == "bash"
        inputs = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()} | given
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=self.environment
            | {"GITHUB_STEP_SUMMARY": str(self.summary)}
            | {name: filled(value, inputs) for name, value in step["env"].items()},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.log = done.stdout + done.stderr
        return done.returncode


def filled(value: str, inputs: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)


@pytest.fixture(scope="session")
def installed(
    published: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a job whose first step has run."""
    folder = tmp_path_factory.mktemp("job")
    variables = environment | {"GITHUB_ACTION_PATH": str(published), "RUNNER_TEMP": str(folder)}
    runner = Runner(variables, folder, folder / "summary.md")
    assert runner.run(INSTALL, python=sys.executable) == 0, runner.log
    return variables


@pytest.fixture
def runner(installed: dict[str, str], tmp_path: Path) -> Runner:
    """A job in an empty workspace, with the tool installed."""
    (tmp_path / "workspace").mkdir()
    return Runner(installed, tmp_path / "workspace", tmp_path / "summary.md")


def test_no_input_of_the_action_is_pasted_into_a_shell_script() -> None:
    assert all("${{" not in step["run"] for step in (INSTALL, CHECK))


@pytest.mark.full
def test_the_action_annotates_and_fails(runner: Runner, make_skill: MakeSkill) -> None:
    make_skill(runner.workspace / "skills", "demo", extra="version: 1\n")

    assert runner.run(CHECK) == 1
    assert "::error file=skills/demo/SKILL.md,line=4,col=1,title=AS117::" in runner.log
    assert "1  AS117  error    Field is not in the specification" in runner.summary.read_text()


@pytest.mark.full
def test_the_action_passes_where_nothing_is_wrong(runner: Runner, make_skill: MakeSkill) -> None:
    make_skill(runner.workspace / "skills", "demo")

    assert runner.run(CHECK) == 0
    assert "::" not in runner.log
    assert "No findings in 1 skill" in runner.summary.read_text()


@pytest.mark.full
def test_the_action_takes_paths_with_spaces_a_profile_a_baseline_and_writes_sarif(
    runner: Runner, make_skill: MakeSkill
) -> None:
    make_skill(runner.workspace / "my skills", "demo", extra="version: 1\n", body="# Title\n\n```\nx\n```\n")
    make_skill(runner.workspace / "elsewhere", "other", extra="author: me\n")
    (runner.workspace / "known.json").write_text(
        json.dumps(
            {
                "version": 1,
                "findings": [
                    {
                        "path": "my skills/demo/SKILL.md",
                        "code": "AS117",
                        "message": "The specification has no field 'version'",
                        "count": 1,
                    }
                ],
            }
        )
    )

    assert runner.run(CHECK, paths="my skills\n", profile="standard", baseline="known.json", sarif="a.sarif")
    found = json.loads((runner.workspace / "a.sarif").read_text())["runs"][0]["results"]
    codes = {result["ruleId"] for result in found}

    assert "AS301" in codes
    assert "AS117" not in codes
    assert "elsewhere" not in runner.log


@pytest.mark.full
def test_the_action_says_when_it_could_not_run(runner: Runner) -> None:
    assert runner.run(CHECK, paths="nowhere") == 2
    assert "nowhere" in runner.log
    assert not runner.summary.exists()


@pytest.mark.full
def test_the_action_runs_nothing_that_an_input_says(runner: Runner) -> None:
    assert runner.run(CHECK, paths='$(touch hurt)\n"; touch hurt; "', profile="`touch hurt`") == 2
    assert list(runner.workspace.iterdir()) == []
