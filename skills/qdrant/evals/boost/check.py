"""Search a shop of thirty things whose scores are known, some without a state."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient, models

THINGS = 30


def main() -> int:
    """Exit 0 when the order is that of cosine + 0.1 for the brand among things that have a state other than sold out."""
    spec = importlib.util.spec_from_file_location("shop", Path(sys.argv[1]) / "shop.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client = QdrantClient(":memory:")
    client.create_collection(
        "shop", vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE)
    )
    cosines = np.cos(np.arange(THINGS) / 40)
    state = [("for sale", "sold out", None)[n % 3] for n in range(THINGS)]
    brand = ["ours" if n >= 12 else "other" for n in range(THINGS)]
    points = [
        models.PointStruct(
            id=n,
            vector=[float(cosines[n]), float(np.sin(n / 40))],
            payload={"brand": brand[n]} | ({"state": state[n]} if state[n] else {}),
        )
        for n in range(THINGS)
    ]
    client.upsert("shop", points)
    scores = cosines + 0.1 * np.array([name == "ours" for name in brand])
    want = sorted((n for n in range(THINGS) if state[n] == "for sale"), key=lambda n: -scores[n])[:4]
    got = [point.id for point in module.search(client, [1.0, 0.0], "ours", 4)]
    print(f"wanted {want}, got {got}")
    return 0 if got == want else 1


if __name__ == "__main__":
    sys.exit(main())
