"""Count graphs and uncompiled calls over forty lengths, with the compiler's back end replaced by a counter."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch
import torch._dynamo.config as dynamo
from torch._dynamo.testing import CompileCounter

COUNT = CompileCounter()
COMPILE = torch.compile


def compiled(function: Any = None, **settings: Any) -> Any:
    """torch.compile with the counter as its back end."""
    kept = {name: value for name, value in settings.items() if name in ("dynamic", "fullgraph")}
    return COMPILE(function, backend=COUNT, **kept)


def main() -> int:
    """Exit 0 when all lengths are right, few graphs were made and nothing ran uncompiled."""
    torch.compile = compiled
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lengths = range(130, 930, 20)
    inputs = [tuple(torch.randn(3, 1, 2, length, 8)) for length in lengths]
    dynamo.fail_on_recompile_limit_hit = True
    results = module.run(inputs)
    for given, result in zip(inputs, results, strict=True):
        right = torch.nn.functional.scaled_dot_product_attention(*given, is_causal=True)
        assert torch.allclose(result, right, atol=1e-5)
    print(f"{COUNT.frame_count} graphs for {len(lengths)} lengths")
    return 0 if 0 < COUNT.frame_count <= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
