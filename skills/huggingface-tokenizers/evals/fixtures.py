"""Small tokenizers for facts, blocks and checks: trained here in milliseconds, no download."""

import importlib.util
import json
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, TokenizersBackend

TEXTS = [
    "hello world, the user asks the assistant to call a tool in 2023/2024",
    "the quick brown fox jumps over the lazy dog, think and answer",
] * 20
SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def core(vocab_size: int = 340, *, texts: list[str] = TEXTS, splitter: Any = None) -> Tokenizer:
    """A byte-level BPE; `splitter` is set after training, in front of the byte level."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        show_progress=False,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(texts, trainer)
    if splitter is not None:
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [splitter, pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    return made


def sentencepiece_like() -> Tokenizer:
    """BPE with a prepended `▁` and byte fallback, as Llama 2 has."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    alphabet = sorted({c for text in TEXTS for c in text} | set("▁\n<|>_/"))
    octets = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=620,
        show_progress=False,
        special_tokens=["<unk>", *SPECIAL, *octets],
        initial_alphabet=alphabet,
        max_token_length=8,
    )
    made.train_from_iterator(TEXTS, trainer)
    state = json.loads(made.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] not in octets]
    return Tokenizer.from_str(json.dumps(state))


def chat(backend: Tokenizer | None = None, **settings: Any) -> TokenizersBackend:
    """A chat tokenizer in ChatML with `<think>`, `</think>`, `<tool_call>` as added tokens that are not special."""
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend or core(), pad_token="<|pad|>", eos_token="<|im_end|>", **settings
    )
    made.add_tokens([AddedToken(name, normalized=False) for name in ("<think>", "</think>", "<tool_call>")])
    made.chat_template = TEMPLATE
    return made


def folder(tokenizer: TokenizersBackend, *, name: str | None = None, model_type: str | None = None) -> str:
    """Save, and set the class in tokenizer_config.json and the model type in config.json."""
    out = Path(tempfile.mkdtemp())
    tokenizer.save_pretrained(out)
    path = out / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if name:
        config["tokenizer_class"] = name
    path.write_text(json.dumps(config), encoding="utf-8")
    if model_type:
        (out / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    return str(out)


def render(message: dict[str, Any], template: str = "{{ messages[0].content }}", **variables: Any) -> str:
    """The text that a template makes of one message."""
    return chat().apply_chat_template(
        [{"role": "user", **message}], chat_template=template, tokenize=False, **variables
    )


def module(path: Path) -> ModuleType:
    """A file, imported."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def wrongly_parsed(
    template: Path, cases: list[tuple[str, str, dict]], *, piece: int, tools: list[dict] | None = None
) -> list[str]:
    """What a tokenizer that `template` configures, saved and loaded again, makes of outputs, whole and in pieces, where it is not the message.

    A case is the prompt, the output and the message without its role.
    """
    tokenizer = chat()
    module(template).configure(tokenizer)
    with tempfile.TemporaryDirectory() as out:
        tokenizer.save_pretrained(out)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(out)
    wrong = []
    for number, (prompt, output, message) in enumerate(cases, 1):
        parser = tokenizer.get_response_parser(prefix=prompt, tools=tools)
        for at in range(0, len(output), piece):
            parser.feed(output[at : at + piece])
        both = (tokenizer.parse_response(output, prefix=prompt, tools=tools), parser.finalize()[0])
        wrong += [f"case {number}: {got}" for got in both if got != {"role": "assistant", **message}]
    return wrong
