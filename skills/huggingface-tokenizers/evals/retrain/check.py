"""Adapt two tokenizers, load what was saved, and compare with what was asked."""

import logging
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import chat, core, folder, module
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, TokenizersBackend

PICK = random.Random(0)
WORDS = ["".join(PICK.choices("abcdefghijklmnopqrstuvwxyz", k=PICK.randint(3, 9))) for _ in range(300)]
LINES = [" ".join(PICK.choices(WORDS, k=12)) + f" {n * 37}" for n in range(400)]
TALK = [{"role": "user", "content": "vex <tool_call> a <obs>b</obs>"}, {"role": "assistant", "content": "c"}]


def problems(base: TokenizersBackend, new: TokenizersBackend, size: int) -> list[str]:
    """What is not as asked."""
    render = base.apply_chat_template(TALK, tokenize=False)
    ids = new("<obs>wow</obs>", add_special_tokens=False)["input_ids"]
    tests = {
        f"{len(new)} tokens, ids up to {max(new.get_vocab().values())}": len(new) == size
        and set(new.get_vocab().values()) == set(range(size)),
        f"pads on the {new.padding_side}": new.padding_side == "left",
        f"truncates on the {new.truncation_side}": new.truncation_side == "left",
        f"model_max_length {new.model_max_length}": new.model_max_length == 4096,
        "the chat template differs": new.chat_template is not None
        and new.apply_chat_template(TALK, tokenize=False) == render,
        "the response template is lost": new.response_template == base.response_template,
        "<obs> is not one token": new.convert_ids_to_tokens([ids[0], ids[-1]]) == ["<obs>", "</obs>"],
        "<obs> is special": new.decode(ids, skip_special_tokens=True) == "<obs>wow</obs>",
        "added tokens of base are lost": set(base.get_added_vocab()) < set(new.get_added_vocab()),
        "special tokens differ": [new.pad_token, new.eos_token, *new.extra_special_tokens]
        == [base.pad_token, base.eos_token, *base.extra_special_tokens],
        "round trip": new.decode(new("Ωμέγα 2024\n")["input_ids"]) == "Ωμέγα 2024\n",
        "nothing was learned": len(new(LINES[0])["input_ids"]) < 0.8 * len(base(LINES[0])["input_ids"]),
        "the splitter differs": len(new("1234567")["input_ids"]) == 7,
    }
    return [text for text, right in tests.items() if not right]


def main() -> int:
    """Exit 0 when both tokenizers are as asked."""
    logging.disable(logging.ERROR)
    answer = module(Path(sys.argv[1]) / "adapt.py")
    found = []
    for size, extra in ((700, []), (512, ["<|image|>", "<|audio|>"])):
        base = chat(core(splitter=pre_tokenizers.Digits(individual_digits=True)))
        base.response_template = {"start_anchor": "x", "fields": {"content": {"close": "<|im_end|>"}}}
        base.add_special_tokens({"extra_special_tokens": extra})
        base = AutoTokenizer.from_pretrained(folder(base))
        with tempfile.TemporaryDirectory() as out:
            answer.adapt(base.name_or_path, LINES, out, size)
            found += [f"{size}: {text}" for text in problems(base, AutoTokenizer.from_pretrained(out), size)]
    print("\n".join(found) or "both tokenizers are as asked")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
