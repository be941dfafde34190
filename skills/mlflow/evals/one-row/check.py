"""Keep a network in training mode with the answer, load it, and predict batches of several sizes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import mlflow
import numpy as np
import torch
from fixtures import answer, known_requirements, net, store


def main() -> int:
    """Exit 0 when every batch size gives what the network gives in evaluation mode, without a pickle."""
    module = answer(sys.argv[1], "keep")
    store()
    known_requirements()
    model = net(training=True)
    uri = module.keep(model, np.ones(3, dtype="float32"))
    kept_mode = model.training
    model.eval()
    stored = mlflow.models.get_model_info(uri).flavors["pytorch"]["model_data"]
    files = [
        path.name for path in Path(mlflow.artifacts.download_artifacts(uri)).rglob("*") if path.is_file()
    ]
    loaded = mlflow.pyfunc.load_model(uri)
    for size in (1, 2, 7):
        batch = np.random.default_rng(size).normal(size=(size, 3)).astype("float32")
        wanted = model(torch.from_numpy(batch)).detach().numpy()
        if not np.allclose(loaded.predict(batch), wanted, atol=1e-5):
            print(f"batch of {size}: other values")
            return 1
    pickled = any(name.endswith((".pkl", ".pth")) for name in files)
    print(f"{stored}, pickled: {pickled}, left in training mode: {kept_mode}")
    return 0 if kept_mode and not pickled else 1


if __name__ == "__main__":
    sys.exit(main())
