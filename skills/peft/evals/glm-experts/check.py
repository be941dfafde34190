"""The config must adapt attention, routed experts, shared experts and dense layers at rank 8, and no router."""

import importlib.util
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fixtures import logits, tiny, train
from peft import get_peft_model

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")
ATTENTION = tuple(f"layers.{layer}.self_attn.{name}_proj" for layer in (0, 1) for name in "qkvo")
DENSE = tuple(
    f"{place}.{name}" for place in ("layers.0.mlp", "layers.1.mlp.shared_experts") for name in PROJECTIONS
)
EXPERTS = ("layers.1.mlp.experts.gate_up_proj", "layers.1.mlp.experts.down_proj")


def fail(why: str) -> None:
    print(f"fail: {why}")
    sys.exit(1)


def ranks(model) -> set[int]:
    return {r for m in model.modules() if hasattr(m, "lora_A") for r in m.r.values()}


def main(answer: Path) -> None:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location("solution", answer / "solution.py")
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    model = get_peft_model(tiny("glm4_moe"), solution.lora_config())
    names = {
        n.removesuffix(".weight") for n in [*model.targeted_module_names, *model.targeted_parameter_names]
    }
    names = {n.removeprefix("model.") for n in names}
    if any(n.endswith("mlp.gate") for n in names):
        fail("the router is adapted")
    missing = [n for n in (*ATTENTION, *DENSE, *EXPERTS) if n not in names]
    if missing:
        fail(f"not adapted: {missing}")
    if ranks(model) != {8}:
        fail(f"ranks are {sorted(ranks(model))}, wanted 8 everywhere")
    losses = train(model, 10)
    if losses[-1] >= losses[0]:
        fail("the loss does not fall")
    before = logits(model)
    if (logits(model.merge_and_unload()) - before).abs().max() > 1e-3:
        fail("merging changes the logits")
    print("pass")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
