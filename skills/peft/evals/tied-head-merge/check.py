"""The published checkpoint must load without peft and give the trained model's logits; the head must have trained."""

import importlib.util
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from fixtures import logits, tiny, train
from transformers import AutoModelForCausalLM


def fail(why: str) -> None:
    print(f"fail: {why}")
    sys.exit(1)


def head_trains(model) -> bool:
    return any("lm_head" in name for name, p in model.named_parameters() if p.requires_grad)


def main(answer: Path) -> None:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location("publish", answer / "publish.py")
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    with tempfile.TemporaryDirectory() as folder:
        base = tiny(tie_word_embeddings=True)
        base.save_pretrained(f"{folder}/base")
        model = solution.attach(f"{folder}/base")
        if (logits(model) - logits(base)).abs().max() > 1e-4:
            fail("the model with a fresh adapter is not the base")
        if not head_trains(model):
            fail("the output head does not train")
        train(model, 30)
        want = logits(model)
        solution.publish(model, f"{folder}/out")
        if (Path(folder) / "out" / "adapter_config.json").exists():
            fail("an adapter was published, not a checkpoint")
        published = AutoModelForCausalLM.from_pretrained(f"{folder}/out", dtype=torch.float32)
    off = (logits(published) - want).abs().max().item()
    if off > 1e-3:
        fail(f"logits of the published model are {off:.2g} off")
    print("pass")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
