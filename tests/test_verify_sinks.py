"""The table of sinks, row by row, against what the installed packages do when they run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from airskills.verify.reader.source import Sources
from airskills.verify.sinks import Sinks

SITE = Path(str(find_spec("transformers").origin)).parent.parent  # type: ignore[union-attr]  # it is installed
AUTO = "transformers.AutoModelForCausalLM.from_pretrained"
LLAMA = "transformers.LlamaForCausalLM.from_pretrained"
TOKENIZER = "transformers.AutoTokenizer.from_pretrained"
CALL = "transformers.PreTrainedTokenizerBase.__call__"
GENERATE = "transformers.LlamaForCausalLM.generate"
LOAD = "datasets.load_dataset"
PIPELINE = "transformers.pipeline"
BITS = "transformers.BitsAndBytesConfig"
CONFIG = "transformers.LlamaConfig"

# callee, first argument, keyword, value, verdict
CASES: list[tuple[str, str, str, Any, str]] = [
    (AUTO, "", "dtype", "float32", "proven"),
    (AUTO, "", "attn_implementation", "eager", "proven"),
    (AUTO, "", "trust_remote_code", False, "proven"),
    (AUTO, "", "revision", "main", "proven"),
    (AUTO, "", "output_loading_info", True, "proven"),
    (AUTO, "", "code_revision", "main", "proven"),
    (AUTO, "", "num_labels", 2, "proven"),
    (AUTO, "", "low_cpu_mem_usage", True, "ignored"),
    (AUTO, "", "mirror", "x", "ignored"),
    (AUTO, "", "load_in_4bit", True, "dead"),
    (AUTO, "", "use_flash_attention_2", True, "dead"),
    (AUTO, "", "use_auth_token", "x", "dead"),
    (AUTO, "", "dtyp", 1, "dead"),
    (AUTO, "", "resume_download", True, "dead"),
    (AUTO, "", "attention_dropout", 0.1, "unproven"),
    (AUTO, "", "rope_theta", 3.0, "unproven"),
    (LLAMA, "", "device_map", None, "proven"),
    (LLAMA, "", "code_revision", "main", "dead"),
    (TOKENIZER, "", "padding_side", "left", "proven"),
    (TOKENIZER, "", "use_fast", True, "proven"),
    (TOKENIZER, "", "model_max_length", 5, "proven"),
    (TOKENIZER, "", "pading_side", "left", "ignored"),
    (CALL, "", "return_tensors", "pt", "proven"),
    (CALL, "", "return_tensor", "pt", "ignored"),
    (CALL, "", "pad_to_max_length", True, "unproven"),
    (GENERATE, "", "max_new_tokens", 1, "proven"),
    (GENERATE, "", "temperature", 0.5, "proven"),
    (GENERATE, "", "streamer", None, "proven"),
    (GENERATE, "", "max_new_token", 1, "dead"),
    (GENERATE, "", "early_stop", True, "dead"),
    (GENERATE, "", "pixel_values", None, "unproven"),
    (LOAD, "csv", "delimiter", ",", "proven"),
    (LOAD, "csv", "sep", ",", "proven"),
    (LOAD, "csv", "split", "train", "proven"),
    (LOAD, "csv", "delimeter", ",", "dead"),
    (LOAD, "csv", "use_auth_token", "x", "dead"),
    (LOAD, "csv", "task", "x", "dead"),
    (LOAD, "json", "delimiter", ",", "dead"),
    (LOAD, "", "delimiter", ",", "unproven"),
    (LOAD, "", "use_auth_token", "x", "dead"),
    (PIPELINE, "text-generation", "device", -1, "proven"),
    (PIPELINE, "text-generation", "return_full_text", False, "proven"),
    (PIPELINE, "text-generation", "nonsense", 1, "unproven"),
    (PIPELINE, "sentiment-analysis", "top_k", 1, "proven"),
    (PIPELINE, "", "top_k", 1, "unproven"),
    (BITS, "", "load_in_4bit", True, "proven"),
    (BITS, "", "bnb_4bit_quant_type", "nf4", "proven"),
    (BITS, "", "load_in_4bits", True, "ignored"),
    (CONFIG, "", "hidden_size", 16, "proven"),
    (CONFIG, "", "num_labels", 2, "proven"),
    (CONFIG, "", "hiden_size", 16, "ignored"),
    (CONFIG, "", "nonsense", 1, "unproven"),
]


@pytest.fixture(scope="module")
def sinks() -> Sinks:
    return Sinks(Sources([(SITE, ("transformers", "datasets"))]))


@pytest.mark.parametrize(("callee", "first", "keyword", "value", "verdict"), CASES)
def test_the_verdict(
    callee: str, first: str, keyword: str, value: object, verdict: str, sinks: Sinks
) -> None:
    del value
    found = sinks.settle(callee, keyword, first)
    assert found is not None
    assert found.state == verdict, found


@pytest.mark.parametrize(
    ("callee", "keyword", "help"),
    [
        (AUTO, "dtyp", "Did you mean dtype?"),
        (LOAD, "delimeter", "Did you mean delimiter?"),
        (BITS, "load_in_4bits", "Write load_in_4bit"),
    ],
)
def test_what_is_wrong_comes_with_a_hint(callee: str, keyword: str, help: str, sinks: Sinks) -> None:
    found = sinks.settle(callee, keyword, "csv")
    assert found is not None
    assert found.help == help


def test_other_callees_have_no_row(sinks: Sinks) -> None:
    assert sinks.settle("transformers.Trainer", "tokenizer") is None
    assert sinks.settle("torch.nn.Linear", "bias") is None
    assert Sinks(Sources([])).settle(AUTO, "dtype") is None


def _any(module: str) -> Any:
    """A module whose types do not matter here, imported when the first test needs it."""
    return import_module(module)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str, Any], object]:
    """Calls each callee on a tiny model, tokenizer and file of our own."""
    datasets, torch, transformers, tokenizers = map(_any, ("datasets", "torch", "transformers", "tokenizers"))

    folder = str(tmp_path_factory.mktemp("sinks"))
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 32}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    config = transformers.LlamaConfig(**shape, **heads)
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(folder)
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[UNK]"
    )
    tokenizer.save_pretrained(folder)
    Path(folder, "x.csv").write_text("a,b\n1,2\n")
    Path(folder, "x.json").write_text('{"a": 1}\n')
    ids = torch.tensor([[0, 1]])
    calls: dict[str, Callable[[str, dict[str, Any]], object]] = {
        AUTO: lambda _, named: transformers.AutoModelForCausalLM.from_pretrained(folder, **named),
        LLAMA: lambda _, named: transformers.LlamaForCausalLM.from_pretrained(folder, **named),
        TOKENIZER: lambda _, named: transformers.AutoTokenizer.from_pretrained(folder, **named),
        CALL: lambda _, named: tokenizer("a", **named),
        GENERATE: lambda _, named: model.generate(ids, **({"max_new_tokens": 1} | named)),
        LOAD: lambda first, named: datasets.load_dataset(
            first, data_files=f"{folder}/x.{first}", cache_dir=f"{folder}/cache", **named
        ),
        PIPELINE: lambda first, named: transformers.pipeline(first, model=folder, tokenizer=folder, **named),
        BITS: lambda _, named: transformers.BitsAndBytesConfig(**named),
        CONFIG: lambda _, named: transformers.LlamaConfig(**({**shape, **heads} | named)),
    }

    def call(callee: str, first: str, keyword: str, value: Any) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return calls[callee](first, {keyword: value})

    return call


RUNNABLE = [
    case
    for case in CASES
    if case[4] != "unproven"
    and (case[0] not in {LOAD, PIPELINE} or case[1] in {"csv", "json", "text-generation"})
]


@pytest.mark.full
@pytest.mark.parametrize(("callee", "first", "keyword", "value", "verdict"), RUNNABLE)
def test_the_verdict_is_what_happens(
    callee: str, first: str, keyword: str, value: object, verdict: str, run: Callable[[str, str, str, Any], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if verdict == "dead":
        with pytest.raises((TypeError, ValueError), match=keyword):
            run(callee, first, keyword, value)
    else:
        run(callee, first, keyword, value)
