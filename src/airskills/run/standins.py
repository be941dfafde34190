"""Inside the environment under test: write tiny stand-ins for hub ids, in the layout of the hub's own cache.

A model is random, has two layers of the named architecture, and a tokenizer whose special tokens are those of its
family; a dataset has eight made-up rows with the columns of the real one. They are found by `from_pretrained` and
`load_dataset` themselves, as what was downloaded before: nothing is patched. Needs transformers or datasets of any
release that the skill pins.
"""

from __future__ import annotations

import json
import string
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REVISION = "0" * 40  # of every stand-in
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_decoder_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "head_dim": 8,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "ffn_dim": 64,
    "hidden_dim": 64,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "word_embed_proj_dim": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.1,  # large enough for logits that differ
}
HEADS = {
    "causal": "AutoModelForCausalLM",
    "masked": "AutoModelForMaskedLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "classify": "AutoModelForSequenceClassification",
    "embed": "AutoModel",
}
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def model(target: Path, recipe: dict[str, Any]) -> str:
    """Write a model and its tokenizer to `target`, a folder `models--owner--name` of a hub cache.

    Args:
        target: the folder; it must not exist.
        recipe: `type` of the architecture, `tokenizer` (roles and tokens), and where they are not the usual ones `head`
            (`classify:2` has two labels) and `config`.

    Returns:
        The folder of the snapshot, or "" where no transformers is installed.
    """
    if find_spec("transformers") is None:  # nothing here could load it: the id is a text like any other
        return ""
    known, torch = import_module("transformers"), import_module("torch")
    snapshot = _snapshot(target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = _tokenizer(recipe["tokenizer"])
        head, _, labels = recipe.get("head", "causal").partition(":")
        values = _values(known.AutoConfig.for_model(recipe["type"]), tokenizer)
        values |= {"num_labels": int(labels)} if labels else {}
        config = known.AutoConfig.for_model(recipe["type"], **{**values, **recipe.get("config", {})})
        torch.manual_seed(0)
        made = getattr(known, HEADS[head]).from_config(config)
        dtype = torch.bfloat16 if head in {"causal", "classify"} else torch.float32
        made.to(dtype).save_pretrained(snapshot)
        tokenizer.save_pretrained(snapshot)
    if head == "embed":
        _embedder(snapshot, config.hidden_size)
    return str(snapshot)


def _snapshot(target: Path) -> Path:
    (target / "refs").mkdir(parents=True)
    (target / "refs" / "main").write_text(REVISION, encoding="ascii")
    snapshot = target / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    return snapshot


def _values(default: Any, tokenizer: Any) -> dict[str, Any]:
    """Small sizes under the names that this architecture has, and the tokenizer's ids."""
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")}
    for role in ("cls", "sep"):
        if hasattr(default, f"{role}_token_id"):
            ids[f"{role}_token_id"] = getattr(tokenizer, f"{role}_token_id")
    if default.is_encoder_decoder:
        ids["decoder_start_token_id"] = tokenizer.pad_token_id
    values = {name: value for name, value in SIZES.items() if hasattr(default, name)}
    return {**values, "vocab_size": len(tokenizer), **ids}


def _tokenizer(recipe: dict[str, Any]) -> Any:
    """One token for each printable ASCII character, and the special tokens of the family: what it makes up is text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    roles = {
        role: recipe[role] for role in ("bos", "eos", "pad", "unk", "cls", "sep", "mask") if role in recipe
    }
    special = list(dict.fromkeys([*roles.values(), *recipe.get("more", [])]))
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    ((alphabet, _),) = bytewise.pre_tokenize_str(string.printable)
    vocabulary = {token: number for number, token in enumerate([*special, *alphabet])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=recipe.get("unk", "?")))
    core.add_special_tokens([AddedToken(token, special=True) for token in special])
    core.pre_tokenizer = bytewise
    core.decoder = decoders.ByteLevel()
    prefix, suffix = (recipe.get(recipe.get(end, "")) for end in ("prefix", "suffix"))
    if prefix or suffix:
        used = [token for token in (prefix, suffix) if token]
        words = [word for word in (prefix, "$A", suffix) if word]
        pair = [word for word in (prefix, "$A", suffix, "$B", suffix) if word]
        core.post_processor = processors.TemplateProcessing(
            single=words, pair=pair, special_tokens=[(token, vocabulary[token]) for token in set(used)]
        )
    named = {f"{role}_token": token for role, token in roles.items()}
    make: Any = import_module("transformers").PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=core, model_max_length=512, **named)
    tokenizer.chat_template = _template(recipe.get("template", ""))
    return tokenizer


def _template(name: str) -> str | None:
    """A chat template; of Qwen3 the one that TRL recognizes, where TRL is installed and ships it."""
    if name == "qwen3":
        found = find_spec("trl")
        for folder in (found.submodule_search_locations or []) if found else []:
            file = Path(folder, "chat_templates", "qwen3.jinja")
            if file.is_file():
                return file.read_text(encoding="utf-8")
    return {"chatml": CHATML, "qwen3": CHATML, "llama3": LLAMA3, "gemma": GEMMA}.get(name)


def _embedder(snapshot: Path, width: int) -> None:
    """What sentence-transformers reads besides: transformer, mean pooling, normalization."""
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(kinds)
    ]
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
    texts = {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
        "1_Pooling/config.json": pooling,
    }
    for name, content in texts.items():
        (snapshot / name).parent.mkdir(exist_ok=True)
        (snapshot / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (snapshot / "2_Normalize").mkdir()


def dataset(cache: Path, name: str, configs: dict[str, Any]) -> str:
    """Write a dataset into `cache`, the folder of the datasets library's own cache; that library does it itself."""
    datasets: Any = import_module("datasets")
    datasets.disable_progress_bars()

    class Made(datasets.GeneratorBasedBuilder):  # type: ignore[misc]  # the library ships no types
        """Rows as data."""

        VERSION = datasets.Version("0.0.0")
        content: dict[str, Any]

        def _info(self) -> Any:
            return datasets.DatasetInfo(features=datasets.Dataset.from_dict(self.content["columns"]).features)

        def _split_generators(self, dl_manager: Any) -> list[Any]:  # noqa: ARG002 - the library calls it so
            return [datasets.SplitGenerator(split) for split in self.content["splits"]]

        def _generate_examples(self) -> Any:
            names, columns = zip(*self.content["columns"].items(), strict=True)
            for number, row in enumerate(zip(*columns, strict=True)):
                yield number, dict(zip(names, row, strict=True))

    for config, content in configs.items():
        Made.content = content
        builder = Made(
            cache_dir=str(cache),
            dataset_name=name.rpartition("/")[2],
            config_name=config,
            hash=REVISION,
            repo_id=name,
        )
        builder.download_and_prepare()
    return str(cache)
