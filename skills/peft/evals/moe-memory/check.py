"""Base weights of the QLoRA recipe within 5 % of 110.8 GiB, of bf16 LoRA within 5 % of 56.9 GiB, and the choice."""

import json
import sys
from pathlib import Path

WANT = {"qlora_base_gib": 110.8, "lora_base_gib": 56.9}


def fail(why: str) -> None:
    print(f"fail: {why}")
    sys.exit(1)


def main(answer: Path) -> None:
    given = json.loads((answer / "answer.json").read_text())
    for key, want in WANT.items():
        if abs(given.get(key, 0) / want - 1) > 0.05:
            fail(f"{key} is {given.get(key)}, wanted {want} within 5 %")
    if given.get("fits_80_gib") != ["lora"]:
        fail(f"fits_80_gib is {given.get('fits_80_gib')}, wanted ['lora']")
    print("pass")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
