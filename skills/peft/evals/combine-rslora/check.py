"""The combined adapter's update must be 0.7 of the first plus 0.3 of the second, on every layer, after reloading."""

import importlib.util
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from fixtures import tiny
from peft import LoraConfig, PeftModel, get_peft_model


def fail(why: str) -> None:
    print(f"fail: {why}")
    sys.exit(1)


def make(folder: str, seed: int) -> None:
    config = LoraConfig(
        r=4, lora_alpha=8, use_rslora=True, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    model = get_peft_model(tiny(), config)
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)


def updates(folder: str) -> list[torch.Tensor]:
    model = PeftModel.from_pretrained(tiny(), folder)
    layers = [m for m in model.modules() if hasattr(m, "lora_A") and hasattr(m, "get_delta_weight")]
    return [layer.get_delta_weight("default").detach() for layer in layers]


def adapter_folder(out: Path) -> str:
    found = sorted(path.parent for path in out.rglob("adapter_config.json"))
    if len(found) != 1:
        fail(f"{len(found)} adapters were saved, wanted one")
    return str(found[0])


def main(answer: Path) -> None:
    warnings.simplefilter("ignore")
    spec = importlib.util.spec_from_file_location("solution", answer / "solution.py")
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    with tempfile.TemporaryDirectory() as folder:
        tiny().save_pretrained(f"{folder}/base")
        make(f"{folder}/law", seed=1)
        make(f"{folder}/code", seed=2)
        solution.combine(f"{folder}/base", f"{folder}/law", f"{folder}/code", f"{folder}/out")
        got = updates(adapter_folder(Path(folder) / "out"))
        pairs = zip(updates(f"{folder}/law"), updates(f"{folder}/code"), strict=True)
        want = [0.7 * law + 0.3 * code for law, code in pairs]
    if len(got) != len(want):
        fail(f"{len(got)} layers, wanted {len(want)}")
    error = max(((g - w).norm() / w.norm()).item() for g, w in zip(got, want, strict=True))
    if error > 0.01:
        fail(f"the update is {error:.0%} off")
    print("pass")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
