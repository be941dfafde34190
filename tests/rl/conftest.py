"""A model small enough to learn in seconds on a CPU: 86 thousand parameters, one token per character."""

import warnings
from importlib import import_module
from typing import Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

CHARACTERS = "0123456789abcdefghijklmnop+="


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    words = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *CHARACTERS])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    core.decoder = decoders.Fuse()
    return import_module("transformers").PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


@pytest.fixture(scope="session")
def make_model(tokenizer: Any) -> Any:
    """A new random model for a seed; the config is new too, because a trainer writes into it."""

    def make(seed: Any = 0) -> Any:
        llama = import_module("transformers.models.llama")
        torch.manual_seed(seed)
        return llama.LlamaForCausalLM(
            llama.LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=64,
                pad_token_id=0,
                eos_token_id=1,
                bos_token_id=None,
            )
        )

    return make


@pytest.fixture(scope="session")
def model_folder(make_model: Any, tokenizer: Any, tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp("model")
    make_model().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def digit_ids(tokenizer: Any) -> Any:
    return tokenizer.convert_tokens_to_ids(list("0123456789"))


@pytest.fixture
def quiet() -> Any:
    """Other libraries warn about their own future; ours must not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(torch|transformers|trl|accelerate|datasets|peft)\.")
        yield
