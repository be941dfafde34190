"""A model that answers by a function, tasks from rows in memory, and an evaluation without the slow parts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import lm_eval.evaluator
from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import simple_evaluate
from lm_eval.tasks import TaskManager

logging.getLogger("lm_eval").setLevel(logging.ERROR)
lm_eval.evaluator.add_env_info = lambda _: None  # asks the machine for seconds, changes no score
MANAGER = TaskManager(include_defaults=False)
EXACT = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}


class Fixed(LM):
    """Generates answer(prompt) and scores score(context, continuation); notes what it is asked."""

    tokenizer_name = "fixed"

    def __init__(
        self,
        answer: Callable[[str], str] = lambda _: "42",
        score: Callable[[str, str], float] = lambda _, continuation: -float(len(continuation)),
    ) -> None:
        super().__init__()
        self.answer, self.score, self.asked = answer, score, []

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        self.asked += [request.args for request in requests]
        return [(self.score(*request.args), False) for request in requests]

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        return [self.score("", request.args[0]) for request in requests]

    def generate_until(self, requests: list[Any]) -> list[str]:
        self.asked += [request.args for request in requests]
        return [self.answer(request.args[0]) for request in requests]

    def apply_chat_template(self, chat: list[dict[str, str]], *, add_generation_prompt: bool = True) -> str:
        turns = "".join(f"<{message['role']}>{message['content']}" for message in chat)
        return turns + ("<assistant>" if add_generation_prompt else "")

    def chat_template(self, *_: Any) -> str:
        return "fixed"

    @property
    def prompts(self) -> list[str]:
        """The contexts it was asked about, in order."""
        return [asked[0] for asked in self.asked]


def rows(count: int = 4) -> list[dict[str, str]]:
    """Q0 with the answer 0, Q1 with 1, and so on."""
    return [{"q": f"Q{number}", "a": str(number)} for number in range(count)]


def right(prompt: str) -> str:
    """The right answer to the last question of a prompt."""
    return prompt.rsplit("Q", 1)[1].strip()


def task(splits: dict[str, list[dict[str, Any]]] | None = None, **config: Any) -> ConfigurableTask:
    """A task of generated answers over rows in memory; a value None takes a key away."""
    held = splits or {"test": rows()}
    settings = {
        "task": "t",
        "custom_dataset": lambda **_: {
            name: datasets.Dataset.from_list(given) for name, given in held.items()
        },
        "test_split": "test",
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        "output_type": "generate_until",
        "generation_kwargs": {"until": ["\n"]},
        "metric_list": [EXACT],
        **config,
    }
    return ConfigurableTask(config={key: value for key, value in settings.items() if value is not None})


def choice(splits: dict[str, list[dict[str, Any]]] | None = None, **config: Any) -> ConfigurableTask:
    """A multiple-choice task with the choices a and b; the first is right."""
    settings = {
        "output_type": "multiple_choice",
        "doc_to_choice": ["a", "b"],
        "doc_to_target": 0,
        "generation_kwargs": None,
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        **config,
    }
    return task(splits, **settings)


def run(model: LM, *tasks: Any, **options: Any) -> dict[str, Any]:
    """Results of simple_evaluate, without the tasks of the package and without bootstrap."""
    settings = {"bootstrap_iters": 0, "task_manager": MANAGER, **options}
    return simple_evaluate(model=model, tasks=list(tasks), **settings)


def score(model: LM, made: Any, metric: str = "exact_match,none", **options: Any) -> float:
    """One number of the results of one task."""
    (result,) = run(model, made, **options)["results"].values()
    return float(result[metric])


def load_yaml_task(path: Path, name: str) -> Any:
    """A task of a file, by the package's own reader; paths in it are relative to its folder."""
    return TaskManager(include_path=str(path.parent), include_defaults=False).load([name])["tasks"][name]
