# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "transformers==5.23.0"]
# ///
"""Say whether packed documents, or padding, are seen by other tokens in a causal model of transformers.

Changes every token of the first document (or of the padding) and looks at whether the logits of the others move. No
reference run, no tolerance between kernels: what is kept apart does not move at all. In a training loop:
`moved(model, batch, starts)` with a batch of your collator.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutputWithPast

EXAMPLE = """examples:
  python leak_check.py /models/qwen3-0.6b --attn sdpa
  python leak_check.py Qwen/Qwen3-0.6B --attn flash_attention_2 --device cuda --dtype bfloat16 --json

exit status: 0 nothing is seen in the ways marked *, 1 something is, 2 the model cannot be loaded or run.
"""
ADVISED = ("position_ids, use_cache=False", "padding with attention_mask")


def logits(model: PreTrainedModel, batch: dict[str, Any]) -> torch.Tensor:
    """What the model predicts, without gradients, in float32."""
    with torch.no_grad():
        output: CausalLMOutputWithPast = model(**batch)
    assert output.logits is not None
    return output.logits.float()


def moved(model: PreTrainedModel, batch: dict[str, Any], start: int, stop: int) -> float:
    """How far logits outside of tokens [start, stop) of row 0 move when those tokens change.

    Args:
        model: A causal model; left in eval mode.
        batch: The keywords of its forward pass, `input_ids` (rows, length) among them; labels are left out.
        start: First token that is changed.
        stop: End of the tokens that are changed; only later tokens can see them.
    """
    model.eval()
    given = {name: value for name, value in batch.items() if name != "labels"}
    tokens: torch.Tensor = given["input_ids"]
    other = tokens.clone()
    other[0, start:stop] = (other[0, start:stop] + 1) % vocabulary(model)
    change = logits(model, given) - logits(model, given | {"input_ids": other})
    return float(change[:, stop:].abs().max())


def vocabulary(model: PreTrainedModel) -> int:
    """The number of token ids."""
    return int(model.get_input_embeddings().num_embeddings)


def ways(size: int, lengths: list[int], device: str) -> dict[str, dict[str, Any]]:
    """The calls that people write for packed documents of these lengths."""
    generator = torch.Generator().manual_seed(0)
    total = sum(lengths)
    tokens = torch.randint(0, size, (1, total), generator=generator).to(device)
    positions = torch.cat([torch.arange(length) for length in lengths])[None].to(device)
    ends = torch.tensor([0, *lengths]).cumsum(0).int().to(device)
    kernel = {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends}
    kernel |= {"max_length_q": max(lengths), "max_length_k": max(lengths)}
    ones = torch.ones_like(tokens)
    packed = {"input_ids": tokens, "position_ids": positions}
    return {
        "input_ids alone": {"input_ids": tokens},
        "position_ids": packed,
        "position_ids, use_cache=False": packed | {"use_cache": False},
        "position_ids, use_cache=False, mask of ones": packed | {"use_cache": False, "attention_mask": ones},
        "position_ids, use_cache=False, two rows": {
            "input_ids": tokens.repeat(2, 1),
            "position_ids": positions.repeat(2, 1),
            "use_cache": False,
        },
        "cu_seq_lens, use_cache=False": {"input_ids": tokens, "use_cache": False} | kernel,
        "position_ids, cu_seq_lens, use_cache=False": packed | {"use_cache": False} | kernel,
    }


def padded(size: int, length: int, padding: int, device: str) -> dict[str, Any]:
    """Two rows of random tokens, the first with padding on the left."""
    tokens = torch.randint(0, size, (2, length), generator=torch.Generator().manual_seed(1)).to(device)
    mask = torch.ones_like(tokens)
    mask[0, :padding] = 0
    return {"input_ids": tokens, "attention_mask": mask}


def check(model: PreTrainedModel, lengths: list[int]) -> dict[str, float | str]:
    """For each way how far the logits of later documents move, or the error."""
    size, device = vocabulary(model), str(model.device)
    found: dict[str, float | str] = {}
    calls = {name: (batch, lengths[0]) for name, batch in ways(size, lengths, device).items()}
    padding = max(lengths[0] // 2, 1)
    calls["padding with attention_mask"] = (padded(size, sum(lengths), padding, device), padding)
    for name, (batch, stop) in calls.items():
        try:
            found[name] = moved(model, batch, 0, stop)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            found[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return found


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="folder or hub id of a causal model")
    parser.add_argument("--attn", default="sdpa", help="attn_implementation (default: sdpa)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 8, 24], help="tokens of each document")
    parser.add_argument("--json", action="store_true", help="machine-readable answer")
    return parser


def main() -> int:
    """Print the table; 1 when an advised way lets something be seen."""
    options = arguments().parse_args()
    if len(options.lengths) < 2 or min(options.lengths) < 2:
        print("error: --lengths wants two documents or more, each of at least 2 tokens", file=sys.stderr)
        return 2
    try:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(
            options.model, attn_implementation=options.attn, dtype=getattr(torch, options.dtype)
        ).to(options.device)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        print(f"error: {str(error).splitlines()[0]}\nhelp: see --help", file=sys.stderr)
        return 2
    attention = model.config._attn_implementation  # noqa: SLF001 (the only place that holds what is in use)
    found = check(model, options.lengths)
    if options.json:
        print(json.dumps({"attention": attention, "moved": found}, indent=1))
    else:
        print(f"{options.model}, {attention}: how far other logits move")
        for name, value in found.items():
            said = value if isinstance(value, str) else f"SEEN {value:.1e}" if value else "kept apart"
            print(f"  {'*' if name in ADVISED else ' '} {name:<46} {said}")
    return 1 if any(found[name] != 0 for name in ADVISED) else 0


if __name__ == "__main__":
    sys.exit(main())
