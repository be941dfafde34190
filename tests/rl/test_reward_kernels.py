"""The scripts of the skill `reward-kernels` against the code of verl and OpenRLHF that really calls a reward."""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SKILL = Path(__file__).parents[2] / "skills" / "reward-kernels"
ABSENT = [name for name in ("openrlhf", "verl") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.usefixtures("quiet"),
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}"),
]
REWARDS = """
def trl_style(prompts, completions, solution, **kwargs):
    return [None if s == "?" else float(c[-1]["content"] == s) for c, s in zip(completions, solution)]

def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    assert extra_info.get("level", 1) in (1, 2)
    return {"score": float(solution_str == ground_truth), "chars": len(solution_str)}

def reward_func(queries, prompts, labels):
    return {"rewards": [float(q[len(p):] == l) for q, p, l in zip(queries, prompts, labels)]}

def by_length(completion_ids, **kwargs):
    return [float(len(ids)) for ids in completion_ids]
"""
NAMES = {"trl": "trl_style", "verl": "compute_score", "openrlhf": "reward_func"}


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stands() -> Iterator[Any]:
    """verl and OpenRLHF as the skill runs them; what that puts in the place of other packages is taken away again."""
    before = dict(sys.modules)
    yield load(SKILL / "evals" / "frameworks.py")
    for name in set(sys.modules) - set(before):
        if name.split(".")[0] in {
            "verl",
            "openrlhf",
            "ray",
            "omegaconf",
            "tensordict",
            "aiohttp",
            "pylatexenc",
        }:
            del sys.modules[name]


@pytest.fixture
def rewards(tmp_path: Path) -> Path:
    path = tmp_path / "rewards.py"
    path.write_text(REWARDS)
    return path


def run(script: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SKILL / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_an_adapter_scores_in_the_other_framework(
    source: str, target: str, rewards: Path, tmp_path: Path, stands: Any
) -> None:
    out = tmp_path / "adapter.py"
    converted = run(
        "convert_reward.py", f"{rewards}:{NAMES[source]}", "--from", source, "--to", target, "-o", out
    )
    if source == target:
        assert converted.returncode == 2
        return
    assert converted.returncode == 0, converted.stderr
    texts = {"7": 1.0, "8": 0.0}
    if target == "verl":
        function = load(out).compute_score
        got = [stands.verl_score(function, text, "7")["reward_score"] for text in texts]
    elif target == "openrlhf":
        got = [stands.openrlhf_score(out, "What is 3 + 4? 7? ", text, "7")["reward"] for text in texts]
        assert all(isinstance(value, list) for value in got)
        got = [value[0] for value in got]
    else:
        function = getattr(load(out), NAMES[source])
        messages = [[{"role": "assistant", "content": text}] for text in texts]
        got = function(
            prompts=["q", "q"], completions=messages, solution=["7", "7"], level=[1, 2], log_metric=print
        )

    assert got == list(texts.values())


def test_a_row_without_a_reward_becomes_a_number(rewards: Path, tmp_path: Path, stands: Any) -> None:
    out = tmp_path / "adapter.py"
    run(
        "convert_reward.py",
        f"{rewards}:trl_style",
        "--from",
        "trl",
        "--to",
        "verl",
        "--none",
        "-1",
        "-o",
        out,
    )

    assert stands.verl_score(load(out).compute_score, "7", "?")["reward_score"] == -1.0


def test_a_reward_on_token_ids_needs_a_tokenizer(
    rewards: Path, model_folder: str, stands: Any, tmp_path: Path
) -> None:
    base = [f"{rewards}:by_length", "--from", "trl", "--to", "verl"]
    refused = run("convert_reward.py", *base)
    out = tmp_path / "adapter.py"
    run("convert_reward.py", *base, "--tokenizer", model_folder, "-o", out)

    assert refused.returncode == 2
    assert "reads completion_ids; verl passes text: give --tokenizer" in refused.stderr
    assert stands.verl_score(load(out).compute_score, "1+1=2", "7")["reward_score"] == 5.0


def test_the_attacker_passes_what_verl_passes(stands: Any) -> None:
    attack = load(SKILL / "scripts" / "attack_reward.py")
    seen: list[dict[str, Any]] = []

    def spy(**given: Any) -> float:
        seen.append(given)
        return 1.0

    stands.verl_score(spy, "text", "7", extra_info={"level": 2})
    call = attack.Caller(spy, "verl", "answer", conversational=True)
    call([{"prompt": "q", "completion": "text", "answer": "7", "level": 2}], ["text"])

    assert seen[0] == seen[1]


def test_the_attacker_passes_what_openrlhf_passes(stands: Any, tmp_path: Path) -> None:
    attack = load(SKILL / "scripts" / "attack_reward.py")
    log = tmp_path / "seen.json"
    source = (
        "import json\ndef reward_func(*given):\n"
        f"    with open({str(log)!r}, 'a') as file:\n        file.write(json.dumps(given) + '\\n')\n"
        "    return {'rewards': 1.0}\n"
    )
    path = tmp_path / "spy.py"
    path.write_text(source)
    stands.openrlhf_score(path, "q: ", "text", "7")
    call = attack.Caller(load(path).reward_func, "openrlhf", "answer", conversational=True)
    call([{"prompt": "q: ", "completion": "text", "answer": "7"}], ["text"])
    first, second = [json.loads(line) for line in log.read_text().splitlines()]

    assert first == second


GOLD = [
    {"prompt": "What is 17 * 23?", "completion": r"So \boxed{391}", "solution": "391"},
    {"prompt": "What is 3 + 4?", "completion": r"So \boxed{7}", "solution": "7"},
]
WEAK = """
def contains(completions, solution, **kwargs):
    return [float(s in c[-1]["content"]) for c, s in zip(completions, solution)]
def rank(completions, **kwargs):
    longest = max(len(c[-1]["content"]) for c in completions) or 1
    return [len(c[-1]["content"]) / longest for c in completions]
def rambling(completions, solution, **kwargs):
    texts = [c[-1]["content"] for c in completions]
    return [float(t.endswith("{" + s + "}")) * (1 + len(t) / 1000) for t, s in zip(texts, solution)]
"""


@pytest.mark.parametrize(
    ("reward", "codes"),
    [
        ("contains", {"right-then-wrong", "two-guesses", "two-guesses-latex"}),
        ("rank", {"gold-below-full", "needs-the-batch"}),
        ("rambling", {"length-pays"}),
    ],
)
def test_the_attacker_names_what_pays(reward: str, codes: set[str], tmp_path: Path) -> None:
    (tmp_path / "weak.py").write_text(WEAK)
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GOLD))
    ran = run("attack_reward.py", f"{tmp_path}/weak.py:{reward}", "--gold", tmp_path / "gold.jsonl", "--json")
    report = json.loads(ran.stdout)
    found = {finding["code"] for finding in report["findings"]}
    kinds = {entry["kind"] for entry in report["attacks"] if entry["pays"]}

    assert ran.returncode == 1
    assert codes <= found | kinds


def test_our_math_reward_survives_the_attacker(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GOLD))
    ran = run("attack_reward.py", "airskills.rl.presets.math_answer", "--gold", tmp_path / "gold.jsonl")

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_time_is_told_as_a_share_of_the_step(tmp_path: Path) -> None:
    state = tmp_path / "trainer_state.json"
    state.write_text(json.dumps({"log_history": [{"step_time": 10.0}, {"step_time": 20.0}, {"loss": 0.0}]}))
    (tmp_path / "r.py").write_text("def r(completions, **k):\n    return [0.0] * len(completions)\n")
    ran = run("time_reward.py", f"{tmp_path}/r.py:r", "--rows", 8, "--tokens", 8, "--log", state, "--json")
    report = json.loads(ran.stdout)

    assert report["step_s"] == 15.0
    assert report["share_of_step"] < 0.01
    assert "leave it as it is" in report["advice"][0]


def test_a_slow_first_call_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text(
        "import time\nimport functools\nwarm = functools.cache(lambda: time.sleep(0.6))\n"
        "def r(completions, **k):\n    warm()\n    return [0.0] * len(completions)\n"
    )
    ran = run("time_reward.py", f"{tmp_path}/r.py:r", "--rows", 8, "--tokens", 8, "--json")
    report = json.loads(ran.stdout)

    assert report["first_call_ms"] > 600
    assert "call it once before training" in report["advice"][-1]


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("attack_reward.py", ["missing.py:f", "--gold", "missing.jsonl"], "missing.jsonl"),
        ("time_reward.py", ["nowhere.f", "--rows", "0"], "must be 1 or more"),
        ("time_reward.py", ["nowhere.f"], "No module named 'nowhere'"),
        ("convert_reward.py", ["missing.py:f", "--from", "trl", "--to", "verl"], "missing.py"),
    ],
)
def test_wrong_usage_is_told_in_one_line(script: str, arguments: list[str], message: str) -> None:
    ran = run(script, *arguments)

    assert ran.returncode == 2
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
