"""Stand-ins: which hub ids get one, and that the libraries themselves load them offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from airskills.run import api
from airskills.run.fixtures import _known, wanted
from airskills.run.judge import Limits


def kinds(source: str) -> dict[str, str]:
    found = {}
    for standin in wanted([source]):
        content = standin.arguments[0]
        found[standin.name] = content["type"] if standin.function == "model" else "dataset"
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Qwen/Qwen3-0.6B", "qwen3"),
        ("Qwen/Qwen3-30B-A3B", "qwen3_moe"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2"),
        ("Qwen/Qwen2.5-Math-7B", "qwen2"),
        ("unsloth/Llama-3.2-1B-Instruct", "llama"),
        ("meta-llama/Meta-Llama-3-8B", "llama"),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral"),
        ("google/gemma-2-2b-it", "gemma2"),
        ("google/gemma-2b", "gemma"),
        ("gpt2", "gpt2"),
        ("openai-community/gpt2-large", "gpt2"),
        ("bert-base-uncased", "bert"),
        ("sentence-transformers/all-MiniLM-L6-v2", "bert"),
        ("google/flan-t5-small", "t5"),
        ("trl-lib/tldr", "dataset"),
        ("openai/gsm8k", "dataset"),
    ],
)
def test_a_known_hub_id_gets_the_architecture_of_its_family(name: str, kind: str) -> None:
    assert kinds(f'load("{name}")') == {name: kind}


@pytest.mark.parametrize(
    "text", ["Qwen/Qwen3-0.6B", "'org/model'", "'completions/mean_length'", "'out'", '"a b/c"']
)
def test_other_texts_get_none(text: str) -> None:
    assert kinds(f"x = {text}") == {}


def test_ties_of_the_embeddings_are_those_of_the_real_model() -> None:
    (small,), (large,) = wanted(["'Qwen/Qwen3-4B'"]), wanted(["'Qwen/Qwen3-8B'"])

    assert small.arguments[0]["config"] == {"tie_word_embeddings": True}
    assert large.arguments[0]["config"] == {"tie_word_embeddings": False}


def test_each_dataset_has_eight_rows_in_every_column() -> None:
    for configs in _known()["datasets"].values():
        for config in configs.values():
            assert {len(column) for column in config["columns"].values()} == {8}


LOADS = """
import warnings
warnings.simplefilter("ignore")
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, AutoModelForSequenceClassification, AutoModel
for name in ("Qwen/Qwen3-0.6B", "Qwen/Qwen2.5-0.5B", "meta-llama/Llama-3.2-1B-Instruct", "gpt2"):
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)
    assert model.num_parameters() < 1_000_000 and model.config.num_hidden_layers == 2
    text = "Say 1 + 1!\\n"
    ids = tokenizer(text, return_tensors="pt")
    assert tokenizer.decode(ids["input_ids"][0], skip_special_tokens=True) == text
    assert model(**ids).logits.shape[-1] == len(tokenizer) == model.config.vocab_size
llama = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B-Instruct")
assert llama("a")["input_ids"][0] == llama.bos_token_id and llama.pad_token is None
chat = AutoTokenizer.from_pretrained("Qwen/Qwen3-0.6B").apply_chat_template(
    [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True)
assert chat.endswith("<|im_start|>assistant\\n")
assert AutoModelForSequenceClassification.from_pretrained("cross-encoder/ms-marco-MiniLM-L6-v2").num_labels == 1
assert AutoModel.from_pretrained("sentence-transformers/all-MiniLM-L6-v2").config.hidden_size == 384
from datasets import load_dataset
assert load_dataset("trl-lib/tldr", split="train").column_names == ["prompt", "completion"]
assert load_dataset("openai/gsm8k", "main")["test"].num_rows == 8
"""


@pytest.mark.full
def test_the_libraries_load_stand_ins_by_themselves(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "SKILL.md").write_text(
        f"---\nname: demo\ndescription: x\n---\n```python{LOADS}```\n", encoding="utf-8"
    )
    options = api.Options(limits=Limits(timeout=300), cache=tmp_path / "cache")

    (outcome,) = api.run(api.suites([str(folder)]), options).outcomes

    assert outcome.state == "ran", f"{outcome.reason}\n{outcome.detail}"
    assert "gpt2" in outcome.standins
    assert len(outcome.standins) == 8
    assert len(list((tmp_path / "cache" / "run" / "standins").iterdir())) == 8
