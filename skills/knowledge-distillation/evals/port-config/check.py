"""Compare what the answer's configuration does with what the old one did in TRL 1.8."""

import importlib.util
import sys
import warnings
from pathlib import Path

SAME = {
    "beta": 0.0,
    "temperature": 1.0,
    "top_p": 0.95,
    "top_k": 0,
    "disable_dropout": True,
    "learning_rate": 1e-6,
    "max_completion_length": 256,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 8,
    "max_steps": 1000,
}


def main() -> int:
    """Exit 0 when every setting is the old one and the import path is the one that stays."""
    spec = importlib.util.spec_from_file_location("config", Path(sys.argv[1]) / "config.py")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        spec.loader.exec_module(module)
        config = module.settings("out")
    problems = [f"{k} is {getattr(config, k)}, was {v}" for k, v in SAME.items() if getattr(config, k) != v]
    problems += ["deprecated import path" for w in seen if "import path" in str(w.message)][:1]
    print("; ".join(problems) or "the same settings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
