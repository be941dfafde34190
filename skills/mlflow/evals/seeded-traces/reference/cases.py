"""Run our cases, each traced."""

import os
import random

os.environ["MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR"] = "true"  # else the seed makes equal trace ids

import mlflow


@mlflow.trace
def case(number):
    """One case; it must draw the same numbers at every start."""
    return number, random.random()


def run(numbers):
    """Run all cases, and return how many traces our experiment holds for them, and their results."""
    results = []
    for number in numbers:
        random.seed(0)
        results.append(case(number))
    return len(mlflow.search_traces(return_type="list", flush=True)), results
