"""Register a forest, neighbors and a pipeline with the answer, and load them by alias."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import mlflow
from fixtures import answer, forest, known_requirements, rows, store
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> int:
    """Exit 0 when each model comes back by its alias with its own predictions, and nothing was pickled."""
    module = answer(sys.argv[1], "register")
    x, y = rows()
    models = [forest(), KNeighborsClassifier().fit(x, y), make_pipeline(StandardScaler(), forest()).fit(x, y)]
    store()
    known_requirements()
    for model in models:
        name = type(model).__name__
        version = module.register(model, name)
        info = mlflow.models.get_model_info(f"models:/{name}@champion")
        same = (mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(x) == model.predict(x)).all()
        stored = info.flavors["sklearn"]["serialization_format"]
        print(f"{name}: version {version}, {stored}, same predictions {same}")
        if version != 1 or stored != "skops" or not same:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
