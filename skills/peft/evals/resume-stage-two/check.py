"""The policy adapter must learn, the reference adapter must not move, checkpointing must be on."""

import importlib.util
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from fixtures import IDS, tiny, train
from peft import LoraConfig, get_peft_model


def fail(why: str) -> None:
    print(f"fail: {why}")
    sys.exit(1)


def adapter(model, name: str) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in model.named_parameters() if f".{name}." in n}


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> int:
    return sum(not torch.equal(before[n], after[n]) for n in before)


def main(answer: Path) -> None:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location("solution", answer / "stage_two.py")
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    with tempfile.TemporaryDirectory() as folder:
        tiny().save_pretrained(f"{folder}/base")
        sft = get_peft_model(tiny(), LoraConfig(target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
        train(sft, 5)
        sft.save_pretrained(f"{folder}/sft")
        model = solution.load(f"{folder}/base", f"{folder}/sft")
    names = set(model.peft_config)
    if names != {"reference", "policy"}:
        fail(f"adapters are {sorted(names)}, wanted reference and policy")
    if not model.get_base_model().is_activation_checkpointing:
        fail("activation checkpointing is off")
    policy, reference = adapter(model, "policy"), adapter(model, "reference")
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(4):
        loss = model(input_ids=IDS, labels=IDS).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    if moved(policy, adapter(model, "policy")) < len(policy):
        fail("the policy adapter did not move in every tensor")
    if moved(reference, adapter(model, "reference")):
        fail("the reference adapter moved")
    if losses[-1] >= losses[0]:
        fail(f"the loss did not fall: {losses[0]:.4f} to {losses[-1]:.4f}")
    print("pass")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
