"""Let the answer search eight notes in local mode by text; scrolling through them is not possible."""

import importlib.util
import sys
import warnings
from pathlib import Path

from qdrant_client import QdrantClient, models

BODIES = [
    ("ab-1", "a long note about a red thing that is not for the feet at all"),
    ("ab-2", "shoe"),
    ("cd-1", "red shoe red shoe"),
    ("ab-3", "red shoe"),
    ("xab-4", "red shoe"),
    ("ab-5", "green hat"),
    ("ab-6", "blue coat"),
    ("cd-2", "green scarf"),
]


def refuse(*_: object, **__: object) -> None:
    """No reading of all points."""
    message = "scroll was called"
    raise RuntimeError(message)


def main() -> int:
    """Exit 0 when the notes of a prefix come in the order of BM25."""
    spec = importlib.util.spec_from_file_location("notes", Path(sys.argv[1]) / "notes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client = QdrantClient(":memory:")
    client.create_collection(
        "notes", vectors_config=models.VectorParams(size=1, distance=models.Distance.DOT)
    )
    points = [
        models.PointStruct(id=n, vector=[1.0], payload={"code": code, "body": body})
        for n, (code, body) in enumerate(BODIES)
    ]
    client.upsert("notes", points)
    client.scroll = refuse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.prepare(client)
        found = [
            [point.id for point in module.search(client, *asked, 5)]
            for asked in (("red shoe", "ab-"), ("shoe", "cd"))
        ]
    print(f"wanted 3 first, then 0 and 1; and 2 alone: got {found}")
    return 0 if found[0][:1] == [3] and sorted(found[0]) == [0, 1, 3] and found[1] == [2] else 1


if __name__ == "__main__":
    sys.exit(main())
