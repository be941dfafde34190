"""Two-hop questions over a synthetic knowledge graph, and key retrieval from a context.

Source: Wang et al. 2024 (arXiv:2405.15071) for two-hop composition; the graph here is small and its
relations are total functions.
"""

from itertools import product

import numpy as np
import torch

from airskills.grokking.data import Data, Split, build, split_groups
from airskills.grokking.errors import GrokkingError


def two_hop(seed: int, *, entities: int, relations: int, fraction: float) -> Data:
    """Facts `h r1 r2 -> r2(r1(h))`; all one-hop facts are in the train part, as `pad h r -> r(h)`.

    Tokens: entities 0..E-1, relations E..E+R-1, pad E+R. Memorization is judged on the two-hop train facts only
    (`counted`): one-hop facts are learned late and would blur it.
    """
    rng = np.random.default_rng([seed, 2])
    graph = rng.integers(0, entities, (relations, entities))
    pad = entities + relations
    atomic = [(pad, h, entities + r, int(graph[r, h])) for h, r in product(range(entities), range(relations))]
    hops = product(range(entities), range(relations), range(relations))
    rows = np.array([(h, entities + r, entities + s, graph[s, graph[r, h]]) for h, r, s in hops])
    train, held = split_groups(range(len(rows)), fraction, rng)
    tokens, targets = torch.from_numpy(rows[:, :3]), torch.from_numpy(rows[:, 3])
    data = build(tokens, targets, train, held, rng)
    facts = torch.tensor(atomic)
    inputs = torch.cat([facts[:, :3], data.train.inputs])
    labels = torch.cat([facts[:, 3], data.train.targets])
    counted = torch.arange(len(inputs)) >= len(facts)
    return Data(Split(inputs, labels), data.validation, data.test, counted)


def retrieval(seed: int, *, pairs: int, keys: int, values: int, train: int, held: int) -> Data:
    """A context of key-value pairs and a query: tokens `k1 v1 k2 v2 ... query`, target the query's value.

    Keys are distinct within a row and numbered 0..K-1; value v is token K+v; the target is v. A finite train
    part can be memorized row by row; the held-out rows need the lookup rule.

    Raises:
        GrokkingError: if a row needs more distinct keys than there are.
    """
    if pairs > keys:
        raise GrokkingError(f"A row of {pairs} pairs needs {pairs} distinct keys; there are {keys}")
    rng = np.random.default_rng([seed, 3])
    count = train + held
    chosen = np.argsort(rng.random((count, keys)), axis=1)[:, :pairs]
    bound = rng.integers(0, values, (count, pairs))
    asked = rng.integers(0, pairs, count)
    lines = np.arange(count)
    context = np.stack([chosen, bound + keys], axis=2).reshape(count, 2 * pairs)
    rows = np.concatenate([context, chosen[lines, asked][:, None]], axis=1)
    targets = torch.from_numpy(bound[lines, asked])
    return build(torch.from_numpy(rows), targets, lines[:train], lines[train:], rng)
