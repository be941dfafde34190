"""Search as people ask: the right skill, its reasons, and silence where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airskills import Hit, Library
from airskills.terms import edits

MakeSkill = Callable[..., Path]

# Each has a category, tags, a description and a body.
SKILLS: dict[str, tuple[str, str, str, str]] = {
    "faiss": (
        "rag",
        "ann vector-search recall ivf hnsw",
        "Vector search with Faiss: index choice, recall, nprobe, filters. Use when recall is low or ids are wrong.",
        "# Faiss\n\n## Symptoms\n\nRecall stays low after `add`: train on normalized vectors.\n",
    ),
    "vllm": (
        "inference",
        "serving paged-attention throughput",
        "Serve language models with vLLM: batching, KV cache, quantization. Use when throughput is low.",
        "# vLLM\n\n## Out of memory\n\nLower gpu_memory_utilization.\n\n## Prefix caching\n\nReuse the prefill.\n",
    ),
    "llama-cpp": (
        "inference",
        "gguf quantization cpu llama.cpp",
        "Run GGUF models on a CPU or Mac with llama.cpp. Use when there is no GPU server.",
        "# llama.cpp\n\n## Convert\n\nConvert to GGUF, then quantize to Q4_K_M. Written in C++17.\n",
    ),
    "peft": (
        "fine-tuning",
        "lora qlora adapters",
        "LoRA, QLoRA, DoRA and LoRA+ adapters with PEFT. Use when an adapter does not learn or merges to wrong logits.",
        "# PEFT\n\n## Merge\n\nCompare logits before and after `merge_and_unload`.\n",
    ),
    "grpo-rl-training": (
        "post-training",
        "grpo rl trl reward",
        "GRPO reinforcement learning with TRL. Use when writing a GRPOTrainer run or when the reward is flat.",
        "# GRPO\n\n## Batch arithmetic\n\n`num_generations` divides the batch; `max_completion_length` cuts.\n",
    ),
    "bitsandbytes": (
        "quantization",
        "4-bit 8-bit nf4",
        "Load models in 4-bit or 8-bit with bitsandbytes. Use when a model does not fit into GPU memory.",
        "# bitsandbytes\n\n## Symptoms\n\nThe loss is NaN with float16 compute.\n",
    ),
    "unsloth": (
        "fine-tuning",
        "fast-training",
        "Fine-tune twice as fast with Unsloth. Use when max_seq_length or memory limits a run on one GPU.",
        "# Unsloth\n\nSet max_seq_length before loading the model.\n",
    ),
    "deepspeed": (
        "distributed",
        "zero offload",
        "Train over many GPUs with DeepSpeed ZeRO. Use when a model does not fit on one device.",
        "# DeepSpeed\n\n## ZeRO-3\n\nShards parameters.\n",
    ),
    "mlflow": (
        "mlops",
        "tracking experiments",
        "Track experiments and models with MLflow. Use when runs must be compared.",
        "# MLflow\n\n## Autolog\n\nCall autolog once.\n",
    ),
    "transformer-lens": (
        "interpretability",
        "hooks activations circuits",
        "Mechanistic interpretability with TransformerLens: hooks, activation patching. Use when studying circuits.",
        "# TransformerLens\n\n## Hooks\n\nReset hooks.\n",
    ),
}
TOOLS = ("faiss", "vllm", "bitsandbytes", "unsloth", "deepspeed", "mlflow", "grpo")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    root = tmp_path_factory.mktemp("skills")
    for name, (category, tags, description, body) in SKILLS.items():
        (root / name).mkdir()
        text = (
            f'---\nname: {name}\ndescription: "{description}"\nmetadata:\n  airskills-category: {category}\n'
            f"  airskills-tags: {tags}\n---\n\n{body}"
        )
        (root / name / "SKILL.md").write_text(text, encoding="utf-8")
    return Library.open(root, cache=tmp_path_factory.mktemp("cache"))


def names(hits: list[Hit]) -> list[str]:
    return [hit.name for hit in hits]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("vLLM", "vllm"),
        ("how do I run llama.cpp on my Mac?", "llama-cpp"),
        ("llamacpp gguf", "llama-cpp"),
        ("load a model in 4-bit", "bitsandbytes"),
        ("LoRA+ learning rates for the adapter", "peft"),
        ("gguf written in c++", "llama-cpp"),
        ("GRPOTrainer num_generations", "grpo-rl-training"),
        ("max_seq_length", "unsloth"),
        ("transformerlens hooks", "transformer-lens"),
        ("TransformerLens", "transformer-lens"),
        ("merged adapter gives other logits", "peft"),
        ("nearest neighbor recall is too low", "faiss"),
        ("my reward stays flat in rl", "grpo-rl-training"),
        ("zero-3 offload", "deepspeed"),
    ],
)
def test_a_request_finds_its_skill_first(library: Library, request_: str, expected: str) -> None:
    assert names(library.search(request_))[:1] == [expected]


@pytest.mark.parametrize("name", TOOLS)
def test_one_wrong_letter_in_the_name_of_a_tool_still_finds_it(library: Library, name: str) -> None:
    expected = next(skill for skill in SKILLS if skill.startswith(name))
    near = [other for other in edits(name) if other[:1] == name[:1] and other != name and len(other) > 3]
    sample = near[:: max(1, len(near) // 25)]
    missed = [other for other in sample if names(library.search(f"how to use {other}"))[:1] != [expected]]

    assert missed == []


@pytest.mark.parametrize(
    "typo", ["lama.cpp", "llama.ccp", "llamma.cpp", "transformer-lense", "Transformerlns"]
)
def test_one_wrong_letter_in_a_compound_name_still_finds_it(library: Library, typo: str) -> None:
    expected = "llama-cpp" if "pp" in typo or "cp" in typo else "transformer-lens"

    assert names(library.search(f"{typo} setup"))[:1] == [expected]


@pytest.mark.parametrize(
    "request_",
    [
        "best recipe for sourdough bread",
        "book a flight to Lisbon",
        "who won the world cup in 1998",
        "write a poem about the sea",
        "center a div in CSS",
        "my tax return is late",
        "fix my bicycle brakes",
        "translate good morning into Finnish",
        "pest control in the garden",
        "the and of to",
        "",
        "   ",
        "?!",
        "\U0001f600",
        "\x00",
    ],
)
def test_silence_where_nothing_fits(library: Library, request_: str) -> None:
    assert library.search(request_) == []


def test_why_names_field_and_words_as_they_were_asked(library: Library) -> None:
    (hit, *_) = library.search("faiss adapters recall")

    assert "name: faiss" in hit.why
    assert "recall" in hit.why
    (best, *_) = library.search("merging peft adapters")
    assert "adapters" in best.why
    assert "merging" in best.why  # the word, not its stem


def test_why_names_the_section_of_a_match_in_the_body(library: Library) -> None:
    (hit, *_) = library.search("vllm gpu_memory_utilization prefill")
    body = next(match for match in hit.matches if match.field == "body")

    assert "section 'Out of memory'" in hit.why or "section 'Prefix caching'" in hit.why
    assert {"gpu_memory_utilization".replace("_", ""), "prefill"} <= set(body.words)


def test_a_snippet_shows_the_matched_words(library: Library) -> None:
    (hit, *_) = library.search("peft adapter merges to wrong logits")
    match = next(match for match in hit.matches if match.field == "description")

    assert len(match.snippet) <= 130
    assert any(word[:5] in match.snippet for word in match.words)


def test_a_score_is_a_probability_and_hits_come_best_first(library: Library) -> None:
    hits = library.search("quantization of models to fit gpu memory", limit=10)

    assert len(hits) > 1
    assert all(0.0 < hit.score <= 1.0 for hit in hits)
    assert hits[0].score >= 0.35  # the threshold of data/ranking.json


@pytest.mark.parametrize("limit", [0, 1, 2, 100])
def test_limit_is_the_most_that_comes(library: Library, limit: int) -> None:
    every = library.search("quantization of models to fit gpu memory", limit=100)

    assert library.search("quantization of models to fit gpu memory", limit=limit) == every[:limit]


def test_category_and_tag_narrow_the_search(library: Library) -> None:
    assert names(library.search("quantization", category="inference"))
    assert {hit.category for hit in library.search("quantization", category="inference")} == {"inference"}
    assert names(library.search("quantization", tag="gguf")) == ["llama-cpp"]
    assert library.search("quantization", category="no-such") == []


@pytest.mark.parametrize("tag", ["%", "_", "ggu", "GGUF", "*", "4_bit", "' OR 1=1 --", "\ud800"])
def test_a_tag_is_compared_exactly(library: Library, tag: str) -> None:
    assert library.search("quantization in 4-bit gguf", tag=tag) == []


def test_requests_of_the_training_split_are_found_and_the_others_are_not(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    folder = make_skill(
        tmp_path / "skills", "mlflow", description="Tracks experiments. Use when runs are compared."
    )
    queries = [
        {"query": "mlflow quokka", "should_trigger": True, "split": "train"},
        {"query": "mlflow wombat", "should_trigger": True},
        {"query": "mlflow numbat", "should_trigger": True, "split": "validation"},
        {"query": "mlflow dingo", "should_trigger": False, "split": "train"},
        {"query": "mlflow bilby", "should_trigger": "true", "split": "train"},
    ]
    (folder / "evals").mkdir()
    (folder / "evals" / "eval_queries.json").write_text(json.dumps(queries), encoding="utf-8")
    library = Library.open(tmp_path / "skills")
    frequency = library._index._store.frequency

    assert {word: frequency(word) for word in ("quokka", "wombat", "numbat", "dingo", "bilbi")} == {
        "quokka": 1,
        "wombat": 1,
        "numbat": 0,
        "dingo": 0,
        "bilbi": 0,
    }
    assert "requests: quokka" in library.search("mlflow quokka")[0].why
    assert not (tmp_path / "skills" / "mlflow" / "numbat").exists()
    for row in library._index._store.all("SELECT * FROM docs"):
        assert "numbat" not in " ".join(map(str, row))


def test_an_empty_library_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "skills").mkdir()

    assert Library.open(tmp_path / "skills").search("faiss") == []


def test_the_state_says_where_and_how_much(library: Library) -> None:
    library.search("faiss")
    state: dict[str, Any] = library.index_state

    assert Path(state["path"]).is_file()
    assert state["skills"] == len(SKILLS)
    assert state["bytes"] > 10_000
    assert state["fts5"] == 1


@pytest.mark.parametrize(
    "request_",
    [
        "x" * 1_000_000,
        "faiss " * 50_000,
        " ".join(f"qwordz{number}" for number in range(20_000)),
        "a-" * 10_000,
        '"' * 999,
    ],
    ids=["one word", "one name", "unknown words", "one compound", "quotes"],
)
def test_a_huge_request_is_answered_soon(library: Library, request_: str) -> None:
    assert names(library.search(request_))[:1] in ([], ["faiss"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    '"',
                    "AND",
                    "NEAR(",
                    "*",
                    "^",
                    ":",
                    "lora",
                    "-",
                    "{name}",
                    "İ",
                    "ß",
                    "\ud800",
                    "٣",
                    "½",
                    "\U0001d40b\U0001d428\U0001d411\U0001d400",
                ]
            ),
            max_size=6,
        ).map(" ".join),
    )
)
def test_no_request_is_an_error(library: Library, request_: str) -> None:
    assert len(library.search(request_, limit=3)) <= 3
