"""Sparsely labeled digits: scikit-learn's 8x8 images, which ship with it.

Source: Liu et al. 2022, Omnigrok (arXiv:2210.01117): few labels and a large initialization delay
generalization; here with 8x8 images in the place of MNIST.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from airskills.grokking.data import Data, build
from airskills.grokking.errors import GrokkingError


@lru_cache
def images() -> NDArray[np.float64]:
    """All 1,797 rows of 64 pixels (0-16) and a label, read from scikit-learn's file.

    The same numbers as `sklearn.datasets.load_digits`, whose import takes seconds in every worker.

    Raises:
        GrokkingError: if scikit-learn, or the file in it, is not there.
    """
    spec = find_spec("sklearn")
    home = Path(spec.origin).parent if spec and spec.origin else Path()
    path = home / "datasets" / "data" / "digits.csv.gz"
    if not path.is_file():
        raise GrokkingError("The digits come with scikit-learn: pip install scikit-learn")
    return np.loadtxt(path, delimiter=",")


def digits(seed: int, *, train: int, held: int) -> Data:
    """`train` labeled images and `held` held-out ones; pixels in [0, 1], [rows, 64].

    Raises:
        GrokkingError: if more images are asked for than the 1,797 there are.
    """
    table = images()
    count = len(table)
    if train + held > count:
        raise GrokkingError(f"{train} + {held} images asked for; there are {count}: lower one of them")
    rng = np.random.default_rng([seed, 4])
    order = rng.permutation(count)[: train + held]
    inputs = torch.from_numpy((table[:, :-1] / 16.0).astype(np.float32))
    targets = torch.from_numpy(table[:, -1].astype(np.int64))
    return build(inputs, targets, order[:train], order[train:], rng)
