"""Running units: state of a section, facts, commands, limits, cache; on small skills that need no package."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from airskills import environments
from airskills.folder import open_folder
from airskills.run import api, isolation, keeper, keepers, plan
from airskills.run.judge import Limits, Outcome
from airskills.run.units import Unit
from processes import still_running

HEAD = "---\nname: demo\ndescription: Demo. Use when testing.\n---\n"
WARM = "import json\n"  # a package for the warm parent to import
QUICK = Limits(timeout=20, memory=1 << 30)

Skill = Callable[[Mapping[str, str]], Path]


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


@pytest.fixture
def skill(tmp_path: Path) -> Skill:
    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "demo" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "demo"

    return write


def fence(code: str, attributes: str = "") -> str:
    return f"```python {attributes}\n{code}\n```\n"


def run(folder: Path, **options: object) -> dict[str, Outcome]:
    settings = {"limits": QUICK, "remember": False, "workers": 2, **options}
    report = api.run(api.suites([str(folder)]), api.Options(**settings))  # type: ignore[arg-type]
    return {outcome.unit.id.removeprefix("demo/"): outcome for outcome in report.outcomes}


def one(folder: Path, **options: object) -> Outcome:
    (outcome,) = run(folder, **options).values()
    return outcome


def said(outcome: Outcome) -> list[str]:
    return [f"{Path(f.path).name}:{f.line} {f.code} {f.message}" for f in outcome.findings]


def states(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: outcome.state for name, outcome in outcomes.items()}


# -- blocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cold", [False, True])
def test_blocks_of_a_section_share_their_names_and_sections_do_not(skill: Skill, *, cold: bool) -> None:
    text = f"## A\n{fence('x = 1')}{fence('assert x == 1')}## B\n{fence('x')}"

    outcomes = run(skill({"SKILL.md": HEAD + text}), cold=cold)

    assert states(outcomes) == {"SKILL.md:6": "ran", "SKILL.md:9": "ran", "SKILL.md:13": "failed"}
    assert said(outcomes["SKILL.md:13"]) == ["SKILL.md:14 AR101 NameError: name 'x' is not defined"]


def test_a_failure_names_its_line_of_the_file_and_shows_it(skill: Skill) -> None:
    code = "def f():\n    raise ValueError('no')\n\nf()"
    outcome = one(skill({"SKILL.md": HEAD, "references/deep.md": f"# Deep\n\n{fence(code)}"}))

    assert said(outcome) == ["deep.md:5 AR101 ValueError: no"]
    assert "    raise ValueError('no')" in outcome.detail
    assert "keeper" not in outcome.detail


def test_what_stands_after_a_failure_is_not_run(skill: Skill) -> None:
    text = "## A\n" + fence("1 / 0") + fence("print(2)") + fence("print(3)") + "## B\n" + fence("print(4)")

    outcomes = run(skill({"SKILL.md": HEAD + text}))

    assert list(states(outcomes).values()) == ["failed", "not run", "not run", "ran"]
    assert said(outcomes["SKILL.md:9"]) == ["SKILL.md:9 AR203 It did not run because demo/SKILL.md:6 failed"]


def test_a_fault_of_syntax_is_reported_where_it_stands(skill: Skill) -> None:
    assert said(one(skill({"SKILL.md": HEAD + fence("x = 1\nx = = 2")}))) == [
        "SKILL.md:7 AR101 SyntaxError: invalid syntax (SKILL.md, line 7)"
    ]


@pytest.mark.parametrize(
    ("promise", "code", "state"),
    [
        ("fails: keyword", "print(colour=1)", "ran"),
        ("fails: import", "import no_such_module_at_all", "ran"),
        ("fails: attribute", "import os; os.no_such_name", "ran"),
        ("fails: missing", "def f(a, b): pass\nf(1)", "ran"),
        ("fails: arity", "def f(a): pass\nf(1, 2)", "ran"),
        ("fails: overload", "max(1)", "ran"),
        ("fails: ValueError: bad", "raise ValueError('bad (really')", "ran"),
        ("fails: bad (", "raise ValueError('bad (really')", "ran"),
        ("fails: attribute", "raise ValueError('other')", "failed"),
        ("fails: keyword", "print()", "failed"),
        ("fails", "raise SystemExit", "ran"),
    ],
)
def test_a_block_that_promises_to_fail_must_fail_so(
    skill: Skill, promise: str, code: str, state: str
) -> None:
    text = fence(code, f'{{proof="{promise}"}}') + fence("print('later')")

    outcomes = list(run(skill({"SKILL.md": HEAD + text})).values())

    assert outcomes[0].state == state
    assert outcomes[1].state == ("ran" if state == "ran" else "not run")
    assert state == "ran" or outcomes[0].findings[0].code == "AR106"


def test_a_block_sees_itself_as_a_program(skill: Skill) -> None:
    code = """
    import dataclasses, inspect, pickle, sys, typing
    assert __name__ == "__main__"
    class Point:
        x: "int" = 1
    def f(): return 1
    assert inspect.getsource(f) == "def f(): return 1\\n"
    assert typing.get_type_hints(Point) == {"x": int}
    assert pickle.loads(pickle.dumps(Point())).x == 1
    async def g(): return 2
    assert await g() == 2
    """
    text = "\n".join(line[4:] for line in code.strip("\n").splitlines())

    assert one(skill({"SKILL.md": HEAD + fence(text)})).state == "ran"


def test_deprecations_of_the_blocks_own_lines_are_warnings_and_others_are_not(skill: Skill) -> None:
    code = "import warnings\nwarnings.warn('old way', FutureWarning)\nwarnings.warn('deep', FutureWarning, stacklevel=2)"

    outcome = one(skill({"SKILL.md": HEAD + fence(code)}))

    assert outcome.state == "ran"
    assert said(outcome) == ["SKILL.md:7 AR113 FutureWarning: old way"]


# -- facts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "claim", "wanted"),
    [
        ("int('x')", "fails: 'ValueError: invalid literal'", None),
        (
            "int('x')",
            "fails: TypeError",
            "facts.yaml:3 AR106 It should fail with 'TypeError', and fails with",
        ),
        ("x = 1", "fails: TypeError", "facts.yaml:2 AR106 It passes, though it should fail with 'TypeError'"),
        ("x = 1", "silent: x == 1", None),
        ("x = 1", "silent: x == 2", "facts.yaml:2 AR107 The fault is not there: 'x == 2' is false"),
        ("x = 1", "silent: y", "facts.yaml:2 AR107 The fault is not there: 'y' raises NameError"),
        ("1 / 0", "silent: x == 1", "facts.yaml:3 AR101 ZeroDivisionError: division by zero"),
        ("import warnings; warnings.warn('gone', FutureWarning)", "warns: 'FutureWarning: gone'", None),
        ("import sys; print('it is gone', file=sys.stderr)", "warns: is gone", None),
        ("x = 1", "warns: gone", "facts.yaml:2 AR108 No warning matches 'gone'; it said nothing"),
    ],
)
def test_old_code_must_do_what_the_fact_says(skill: Skill, old: str, claim: str, wanted: str | None) -> None:
    text = f"- id: a\n  old: |\n    {old}\n  {claim}\n  new: |\n    y = 2\n"

    outcomes = run(skill({"SKILL.md": HEAD, "facts.yaml": text}))

    assert outcomes["facts.yaml:5"].state == "ran"
    found = said(outcomes["facts.yaml:2"])
    assert found == [] if wanted is None else found[0].startswith(wanted)


def test_facts_may_use_what_fixtures_define(skill: Skill) -> None:
    fact = "- id: a\n  old: |\n    from fixtures import two\n    two[3]\n  fails: IndexError\n  new: 'from fixtures import two'\n"
    folder = skill({"SKILL.md": HEAD, "facts.yaml": fact, "evals/fixtures.py": "two = [1, 2]\n"})

    assert set(states(run(folder)).values()) == {"ran"}
    assert sorted(path.name for path in (folder / "evals").iterdir()) == ["fixtures.py"]


def test_prepare_makes_files_and_replaces_texts(skill: Skill) -> None:
    fixtures = (
        "def prepare(root):\n    (root / 'rows.txt').write_text('3 rows')\n"
        "    return {'/data/rows.txt': str(root / 'rows.txt')}\n"
    )
    block = "assert open('/data/rows.txt').read() == '3 rows'\nopen('/data/rows.txt', 'w').write('spoilt')"
    folder = skill(
        {"SKILL.md": f"{HEAD}## A\n{fence(block)}## B\n{fence(block)}", "evals/fixtures.py": fixtures}
    )

    assert set(states(run(folder)).values()) == {"ran"}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("raise OSError('no disk')", "AR111 prepare of fixtures.py, line 2: OSError: no disk"),
        ("return 3", "AR111 prepare of evals/fixtures.py returned int, not a mapping of texts"),
        ("return {'x': 1}", "AR111 prepare of evals/fixtures.py returned dict, not a mapping of texts"),
    ],
)
def test_a_prepare_that_does_not_work_fails_the_units(skill: Skill, body: str, wanted: str) -> None:
    fixtures = f"def prepare(root):\n    {body}\n"
    outcome = one(skill({"SKILL.md": HEAD + fence("x = 1"), "evals/fixtures.py": fixtures}))

    assert outcome.state == "failed"
    assert said(outcome)[0].endswith(wanted)


# -- commands ------------------------------------------------------------------------------------------------------


def test_examples_scripts_and_checkers_must_end_with_their_status(skill: Skill) -> None:
    check = "import sys, pathlib\nsys.exit(pathlib.Path(sys.argv[1], 'a.txt').read_text() != 'right')\n"
    folder = skill(
        {
            "SKILL.md": HEAD,
            "examples/good.py": "assert 1 + 1 == 2\n",
            "examples/bad.py": "x = 1\nassert x == 2, 'sum is off'\n",
            "scripts/tool.py": "import argparse\nargparse.ArgumentParser().parse_args()\n",
            "scripts/broken.py": "import no_such_module\n",
            "evals/t/check.py": check,
            "evals/t/reference/a.txt": "right",
            "evals/t/wrong/a.txt": "wrong",
            "evals/u/check.py": check,
            "evals/u/reference/a.txt": "wrong",
            "evals/u/wrong/a.txt": "right",
        }
    )

    outcomes = run(folder)

    assert {name: said(outcome) for name, outcome in outcomes.items() if outcome.findings} == {
        "examples/bad.py:1": ["bad.py:2 AR101 AssertionError: sum is off (exit code 1)"],
        "scripts/broken.py:1": [
            "broken.py:1 AR101 ModuleNotFoundError: No module named 'no_such_module' (exit code 1)"
        ],
        "evals/u/reference:1": [
            "check.py:1 AR109 The checker exits with 1, not 0, on evals/u/reference: it said nothing"
        ],
        "evals/u/wrong:1": [
            "check.py:1 AR110 The checker exits with 0, not 1, on evals/u/wrong: it said nothing"
        ],
    }


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize(
    ("end", "status", "output"),
    [
        ("", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no such row')", 1, "no such row"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_checker_is_a_program_also_in_a_fork(
    skill: Skill, end: str, status: int, output: str, *, cold: bool
) -> None:
    check = f"""
import json, pickle, sys
from pathlib import Path
from beside import two
assert __name__ == "__main__" and Path(__file__).name == "check.py" and len(sys.argv) == 2
class Point: pass
assert type(pickle.loads(pickle.dumps(Point()))) is Point
sys.path.insert(0, sys.argv[1])
import json_like
{end}
"""
    files = {
        "SKILL.md": HEAD,
        "evals/t/check.py": check,
        "evals/t/beside.py": "two = 2",
        "evals/t/reference/json_like.py": "",
        "evals/t/wrong/a.txt": "",
    }
    outcome = run(skill(files), cold=cold, select=("demo/evals/t/reference",))["evals/t/reference:1"]

    assert outcome.state == ("failed" if status else "ran")
    assert not status or f"exits with {status}, not 0" in said(outcome)[0]
    assert output in outcome.detail


def test_a_limit_counts_neither_the_wait_for_a_processor_nor_more_than_four_times_itself() -> None:
    class Busy:
        jobs = -1

        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def waited(self) -> float:
            return self.seconds

    def is_overdue(spent: float, waited: float) -> bool:
        output, results = os.pipe()
        watch = keeper.Watch(Busy(waited), 0, output, results, timeout=10.0)  # type: ignore[arg-type]
        watch._start -= spent
        os.close(output)
        os.close(results)
        return watch._is_overdue()

    assert not is_overdue(9, 0)
    assert is_overdue(11, 0)
    assert is_overdue(15, 4)
    assert not is_overdue(15, 6)
    assert not is_overdue(39, 35)
    assert is_overdue(41, 35)


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="the system does not say how long a process waited"
)
def test_the_wait_for_a_processor_is_read_from_the_system() -> None:
    assert keeper._waited(os.getpid()) >= 0.0
    assert keeper._waited(0) == 0.0


def test_deprecations_of_an_examples_own_lines_are_warnings(skill: Skill) -> None:
    code = (
        "import warnings\nwarnings.warn('old way', DeprecationWarning)\nwarnings.warn('mine', UserWarning)\n"
    )

    outcome = one(skill({"SKILL.md": HEAD, "examples/a.py": code}))

    assert outcome.state == "ran"
    assert said(outcome) == ["a.py:2 AR113 DeprecationWarning: old way"]


@pytest.mark.parametrize("need", ["network", "api-key"])
def test_an_example_with_a_need_is_skipped_with_its_reason(skill: Skill, need: str) -> None:
    text = f'# /// script\n# dependencies = []\n# [tool.airskills]\n# requires = ["{need}"]\n# ///\n'
    outcome = one(skill({"SKILL.md": HEAD, "examples/a.py": text}))

    assert outcome.state == "skipped"
    assert said(outcome)[0].startswith(f"a.py:1 AR204 It requires {need}")


def test_pins_that_are_not_exact_are_a_failure(skill: Skill) -> None:
    text = '# /// script\n# dependencies = ["torch>=2"]\n# ///\n'
    outcome = one(skill({"SKILL.md": HEAD, "examples/a.py": text}))

    assert said(outcome) == [
        "a.py:1 AR112 'torch>=2' is not an exact pin: it names no single version with =="
    ]


def test_an_environment_that_is_not_to_be_had_is_a_skip_with_its_reason(skill: Skill) -> None:
    head = HEAD.replace("---\n", '---\nmetadata:\n  airskills-tested-with: "no-such-package==9"\n', 1)
    outcome = one(skill({"SKILL.md": head + fence("x = 1")}), where="current")

    assert outcome.state == "skipped"
    assert said(outcome) == ["SKILL.md:7 AR205 no-such-package==9 is not installed here"]


# -- what code may not do ------------------------------------------------------------------------------------------

HOSTILE = {
    "sleeps": ("import time\ntime.sleep(1000)", "AR102", "It ran longer than 2 s", 7),
    "writes": ("while True: print('x' * 100_000)", "AR105", "MiB; the limit is 16 MiB", 5),
    "eats memory": ("x = bytearray(8 << 30)", "AR103", "It needs more memory than 1,024 MiB: MemoryError", 6),
    "leaves": ("import os\nos._exit(0)", "AR104", "it left with exit code 0", 5),
    "crashes": ("import os\nos.kill(os.getpid(), 11)", "AR104", "it was killed by signal 11", 5),
    "connects": ("import socket\nsocket.create_connection(('192.0.2.1', 80), 5)", "AR101", "", 7),
    "exits": ("raise SystemExit(0)", "AR101", "SystemExit: 0", 6),
    "breaks its exception": (
        "class E(Exception):\n    def __str__(self): raise KeyError\nraise E",
        "AR101",
        "E: its text cannot be read",
        8,
    ),
    "lies about itself": (
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'5\\n[]\\n{\"error\": 1}\\nnonsense\\n')\n    except OSError: pass\nos._exit(0)",
        "AR104",
        "it left with exit code 0",
        5,
    ),
    "closes everything": ("import os\nos.closerange(3, 4096)", "AR104", "", 5),
}


@pytest.fixture(params=isolation.KINDS)
def kind(request: pytest.FixtureRequest) -> isolation.Isolation:
    found: isolation.Isolation = request.param
    if isolation.KINDS.index(found) < isolation.KINDS.index(keepers.strongest()):
        pytest.skip(f"this machine allows only {keepers.strongest()}")
    return found


@pytest.mark.parametrize("kind", ["namespaces", "hook"], indirect=True)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_goes_wrong_is_reported_and_the_next_block_runs(
    skill: Skill, kind: isolation.Isolation, name: str
) -> None:
    code, wanted, message, line = HOSTILE[name]
    folder = skill({"SKILL.md": f"{HEAD}{fence(code)}## Next\n{fence('x = 1')}"})

    first, second = run(folder, kind=kind, limits=Limits(timeout=2, memory=1 << 30)).values()

    finding = first.findings[0]
    assert (first.state, finding.code, finding.line) == ("failed", wanted, line)
    assert message in finding.message
    assert second.state == "ran"


def test_processes_that_a_block_leaves_are_killed_and_reported(
    skill: Skill, kind: isolation.Isolation, tmp_path: Path
) -> None:
    sleeper = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', 'airskills-left'], start_new_session=True)"
    outcome = one(skill({"SKILL.md": HEAD + fence(sleeper)}), kind=kind)

    assert outcome.state == "ran"
    assert [finding.code for finding in outcome.findings] == ["AR114"]
    assert "airskills-left" in outcome.findings[0].message
    assert still_running(tmp_path) == []


def test_a_block_that_forks_and_forks_ends_with_everything(
    skill: Skill, kind: isolation.Isolation, tmp_path: Path
) -> None:
    bomb = "import os, sys\nfor _ in range(6): os.fork()\nimport time\ntime.sleep(1000)"
    outcome = one(skill({"SKILL.md": HEAD + fence(bomb)}), kind=kind, limits=Limits(timeout=2))

    assert said(outcome) == ["SKILL.md:9 AR102 It ran longer than 2 s"]
    assert still_running(tmp_path) == []


def test_a_block_that_kills_its_parent_hurts_only_itself(
    skill: Skill, kind: isolation.Isolation, tmp_path: Path
) -> None:
    code = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.3)"
    text = f"{HEAD}{fence(code)}## Next\n{fence('x = 1')}"

    first, second = run(skill({"SKILL.md": text}), kind=kind).values()

    if kind == "namespaces":  # process 1 of a namespace cannot be killed from within
        assert first.state == "ran"
    else:
        assert said(first) == ["SKILL.md:5 AR104 It killed the process that runs it"]
    assert second.state == "ran"
    assert still_running(tmp_path) == []


def test_servers_on_this_machine_work(skill: Skill, kind: isolation.Isolation) -> None:
    code = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(s.getsockname(), 5)"

    assert one(skill({"SKILL.md": HEAD + fence(code)}), kind=kind).state == "ran"


def test_commands_have_the_same_limits(skill: Skill, kind: isolation.Isolation) -> None:
    files = {
        "SKILL.md": HEAD,
        "examples/connects.py": "import socket\nsocket.create_connection(('192.0.2.1', 80), 5)\n",
        "examples/eats.py": "x = bytearray(8 << 30)\n",
        "examples/sleeps.py": "import time\ndef f():\n    time.sleep(1000)\nf()\n",
        "examples/killed.py": "import os\nos.kill(os.getpid(), 9)\n",
    }

    outcomes = run(skill(files), kind=kind, limits=Limits(timeout=3, memory=1 << 30))

    found = {name: (outcome.findings[0].code, outcome.findings[0].line) for name, outcome in outcomes.items()}
    assert found == {
        "examples/connects.py:1": ("AR101", 2),
        "examples/eats.py:1": ("AR103", 1),
        "examples/sleeps.py:1": ("AR102", 3),
        "examples/killed.py:1": ("AR104", 1),
    }


def test_code_sees_neither_keys_nor_the_users_folders(skill: Skill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    code = f"""
import os, pathlib
assert "HF_TOKEN" not in os.environ
assert os.environ["HOME"] != {os.environ["HOME"]!r}
assert os.environ["PYTHONHASHSEED"] == "0" and os.environ["HF_HUB_OFFLINE"] == "1"
assert list(pathlib.Path.cwd().iterdir()) == []
pathlib.Path("left").write_text("x")
"""
    text = f"{HEAD}## A\n{fence(code)}## B\n{fence(code)}"

    assert set(states(run(skill({"SKILL.md": text, "examples/a.py": code}), workers=1)).values()) == {"ran"}


# -- what runs when ------------------------------------------------------------------------------------------------


def test_what_ran_is_known_until_something_it_depends_on_changes(skill: Skill, tmp_path: Path) -> None:
    text = f"{HEAD}## A\n{fence('x = 1')}{fence('assert x')}## B\n{fence('y = 1')}"
    folder = skill({"SKILL.md": text, "examples/a.py": "import b\n", "examples/b.py": ""})

    def known() -> dict[str, bool]:
        found = run(folder, remember=True, cache=tmp_path / "cache")
        assert set(states(found).values()) == {"ran"}
        return {name: bool(outcome.cached) for name, outcome in found.items()}

    assert not any(known().values())
    assert all(known().values())
    skill({"SKILL.md": text.replace("assert x", "assert x == 1")})
    assert known() == {
        "SKILL.md:6": False,  # runs again, as the second block needs its names
        "SKILL.md:9": False,
        "SKILL.md:13": True,
        "examples/a.py:1": True,
        "examples/b.py:1": True,
    }
    skill({"examples/b.py": "z = 1\n"})
    assert known()["examples/a.py:1"] is False
    skill({"SKILL.md": text.replace("## A", "\n\n## A")})
    assert known()["SKILL.md:8"] is True  # text above it moved it


def test_failures_are_never_known(skill: Skill, tmp_path: Path) -> None:
    folder = skill({"SKILL.md": HEAD + fence("1 / 0")})

    for _ in range(2):
        assert one(folder, remember=True, cache=tmp_path / "cache").state == "failed"
    assert not list((tmp_path / "cache").glob("results/*/*"))


def test_a_damaged_cache_costs_a_run_and_nothing_else(skill: Skill, tmp_path: Path) -> None:
    folder = skill({"SKILL.md": HEAD + fence("x = 1")})
    one(folder, remember=True, cache=tmp_path / "cache")
    (entry,) = (tmp_path / "cache").glob("results/*/*.json")
    entry.write_text('{"date": 1}', encoding="utf-8")

    outcome = one(folder, remember=True, cache=tmp_path / "cache")

    assert (outcome.state, outcome.cached) == ("ran", "")


def test_selecting_a_block_runs_what_stands_before_it_in_its_section(skill: Skill) -> None:
    text = f"{HEAD}## A\n{fence('x = 1')}{fence('assert x')}{fence('1 / 0')}## B\n{fence('1 / 0')}"

    outcomes = run(skill({"SKILL.md": text}), select=("demo/SKILL.md:9",))

    assert states(outcomes) == {"SKILL.md:6": "ran", "SKILL.md:9": "ran"}


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("examples", ["examples/a.py:1"]),
        ("demo/SKILL", ["SKILL.md:5", "SKILL.md:53"]),
        ("demo/SKILL.md:5", ["SKILL.md:5"]),
    ],
)
def test_units_are_selected_by_kind_id_or_beginning(skill: Skill, word: str, wanted: list[str]) -> None:
    blank = "\n" * 44
    text = HEAD + fence("x = 1") + blank + "## B\n" + fence("x = 1")

    assert list(run(skill({"SKILL.md": text, "examples/a.py": ""}), select=(word,))) == wanted


def test_fail_fast_leaves_the_rest(skill: Skill) -> None:
    text = HEAD + "".join(f"## {n}\n{fence('1 / 0')}" for n in range(4))

    outcomes = run(skill({"SKILL.md": text}), fail_fast=True, workers=1)

    assert list(states(outcomes).values()) == ["failed", "not run", "not run", "not run"]
    assert [outcome.findings[0].code for outcome in outcomes.values()][1:] == ["AR206"] * 3


def test_what_fails_only_in_the_warm_parent_counts_as_it_ran_cold(skill: Skill) -> None:
    code = "import sys\nassert 'colorsys' not in sys.modules"
    files = {"SKILL.md": HEAD + fence(code), "evals/fixtures.py": "import colorsys\n"}

    assert one(skill(files)).state == "ran"


def test_a_warm_parent_has_what_fixtures_put_into_the_environment_before_it_imports(tmp_path: Path) -> None:
    lines = ["import os", "os.environ |= {'DEVICE': 'cpu'}", "os.environ |= {'HOST': name}", "import json"]
    for name, text in {"SKILL.md": HEAD, "evals/fixtures.py": "\n".join(lines)}.items():
        (tmp_path / "demo" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "demo" / name).write_text(text, encoding="utf-8")
    folder = str(tmp_path / "demo")
    block = Unit("demo", folder, "blocks", "SKILL.md", 1, "A", source="import zlib\nimport attr")
    job = plan.Job((block,), open_folder(folder), environments.current(()), (), ())

    assert plan.preload([job]) == (
        "import os; os.environ |= {'DEVICE': 'cpu'}",
        "import attr",
        "import os",
        "import json",
    )


def test_what_a_skill_has_without_dependencies_its_scripts_have_so_too(skill: Skill) -> None:
    head = HEAD.replace(
        "testing.\n", "testing.\nmetadata:\n  airskills-tested-without-dependencies: big==2.0\n"
    )
    script = "# /// script\n# dependencies = ['big==2.0', 'small==1.0']\n# ///\n"
    folder = open_folder(str(skill({"SKILL.md": head, "examples/a.py": script})))
    unit = Unit(
        "demo", folder.path, "examples", "examples/a.py", 1, "", command=(f"{folder.path}/examples/a.py",)
    )

    pins, _ = plan._needs(unit, folder)

    assert {(str(pin), pin.bare) for pin in pins} == {("big==2.0", True), ("small==1.0", False)}


def test_two_skills_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "demo", tmp_path / "b" / "demo"]
    for folder, code in zip(folders, ["x = 1", "1 / 0"], strict=True):
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(HEAD + fence(code), encoding="utf-8")

    report = api.run(api.suites(map(str, folders)), api.Options(limits=QUICK, remember=False))

    assert [outcome.state for outcome in report.outcomes] == ["ran", "failed"]


def test_a_report_passes_only_if_something_ran_and_nothing_is_wrong(skill: Skill) -> None:
    def passed(text: str) -> bool:
        found = api.suites([str(skill({"SKILL.md": HEAD + text}))])
        return api.run(found, api.Options(limits=QUICK, remember=False)).passed

    assert passed(fence("x = 1"))
    assert not passed(fence("1 / 0"))
    assert not passed(fence("x = 1", '{proof="skip: slow"}'))
    assert not passed("")


def test_the_listener_hears_of_every_unit(skill: Skill) -> None:
    heard: list[str] = []

    class Ear(api.Listener):
        def planned(self, count: int) -> None:
            heard.append(f"{count} planned")

        def ended(self, outcome: Outcome) -> None:
            heard.append(f"{outcome.unit.id} {outcome.state}")

    text = HEAD + fence("x = 1") + fence("x", '{proof="static: no GPU"}')
    found = api.suites([str(skill({"SKILL.md": text}))])
    api.run(found, api.Options(limits=QUICK, remember=False), Ear())

    assert sorted(heard) == ["1 planned", "demo/SKILL.md:5 ran", "demo/SKILL.md:8 static"]


def test_the_program_under_test_is_the_named_python(skill: Skill) -> None:
    code = f"import sys, json\nassert sys.executable == {sys.executable!r}, sys.executable\nassert json.dumps(1) == '1'"

    assert one(skill({"SKILL.md": HEAD + fence(code)})).state == "ran"
    assert json.dumps(1) == "1"
