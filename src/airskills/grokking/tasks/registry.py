"""The tasks by name. A task of one's own is `register(Task(card, network, make))`."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from airskills.grokking.config import Loss, Method, TaskCard
from airskills.grokking.data import Data
from airskills.grokking.errors import GrokkingError
from airskills.grokking.models import GraphAttention, MessagePair, Network, TokenMLP, Transformer, VectorMLP
from airskills.grokking.tasks import algorithmic, language, vision


@dataclass(frozen=True, slots=True)
class Task:
    """All that one needs to run it; picklable when `make` is a module-level function or a partial of one."""

    card: TaskCard
    network: Network
    make: Callable[[int], Data]


_TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Add a task; a name can be taken again by an equal task only.

    Raises:
        GrokkingError: if another task has the name.
    """
    known = _TASKS.setdefault(task.card.id, task)
    if known.card != task.card:
        raise GrokkingError(f"Task {task.card.id!r} exists with another card: choose another id")
    return task


def get(name: str) -> Task:
    """Return a task by name.

    Raises:
        GrokkingError: if there is none; the message names the closest.
    """
    if name not in _TASKS:
        near = get_close_matches(name, _TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names())}"
        raise GrokkingError(f"Unknown task {name!r}; {hint}")
    return _TASKS[name]


def names() -> list[str]:
    """All task names, sorted."""
    return sorted(_TASKS)


def _table(
    name: str,
    operation: str,
    modulus: int,
    fraction: float,
    network: Network,
    method: Method,
    *,
    budget: int,
    groks: bool | None,
) -> None:
    card = TaskCard(
        id=name,
        domain="algorithmic",
        classes=modulus,
        budget=budget,
        reference=method,
        groks=groks,
    )
    random = operation == "random"
    make = partial(
        algorithmic.modular,
        operation="add" if random else operation,
        modulus=modulus,
        fraction=fraction,
        random_labels=random,
    )
    register(Task(card, network, make))


def _algorithmic() -> None:
    small = TokenMLP(vocabulary=31, slots=2, classes=31, embedding=32, width=64)
    method = Method(lr=0.03, weight_decay=1.0)
    for operation in ("add", "subtract", "multiply", "squares"):
        _table(f"{operation}-31", operation, 31, 0.75, small, method, budget=1_000, groks=True)
    _table("divide-31", "divide", 31, 0.75, small, method, budget=1_000, groks=None)
    _table("quadratic-31", "quadratic", 31, 0.75, small, method, budget=1_000, groks=None)
    _table("random-31", "random", 31, 0.75, small, method, budget=1_000, groks=False)
    medium = TokenMLP(vocabulary=47, slots=2, classes=47)
    _table("add-47", "add", 47, 0.5, medium, Method(lr=0.03, weight_decay=1.0), budget=1_500, groks=True)
    slow = Method(lr=0.01, weight_decay=1.0)
    others: dict[str, Network] = {
        "add-47-gat": GraphAttention(vocabulary=47, slots=2, classes=47),
        "add-47-plain": Transformer(vocabulary=47, slots=2, classes=47, suffix=True),
        "add-47-modern": Transformer(vocabulary=47, slots=2, classes=47, kind="modern", suffix=True),
    }
    for name, network in others.items():
        _table(name, "add", 47, 0.5, network, slow, budget=1_500, groks=None)
    large = TokenMLP(vocabulary=97, slots=2, classes=97)
    _table("add-97", "add", 97, 0.4, large, Method(lr=0.03, weight_decay=1.0), budget=3_000, groks=None)


def _others() -> None:
    method = Method(lr=0.01, weight_decay=1.0)
    card = TaskCard(id="compose-s5", domain="algorithmic", classes=120, budget=3_000, reference=method)
    network = TokenMLP(vocabulary=120, slots=2, classes=120)
    register(Task(card, network, partial(algorithmic.composition, degree=5, fraction=0.5)))
    strong = Method(lr=0.03, weight_decay=0.3)
    card = TaskCard(
        id="parity-20", domain="algorithmic", classes=2, budget=1_000, reference=strong, groks=True
    )
    make = partial(algorithmic.parity, bits=20, relevant=3, train=600, held=1_000)
    register(Task(card, VectorMLP(features=20, classes=2, widths=(128,)), make))
    card = TaskCard(
        id="message-31",
        domain="agents",
        classes=31,
        budget=1_000,
        reference=Method(lr=0.03, weight_decay=1.0),
        groks=True,
    )
    states = partial(algorithmic.modular, operation="add", modulus=31, fraction=0.75)
    register(Task(card, MessagePair(states=31, classes=31), states))


def _vision() -> None:
    losses: tuple[tuple[str, Loss], ...] = (("digits-mse", "mse"), ("digits-ce", "cross_entropy"))
    for name, loss in losses:
        card = TaskCard(
            id=name,
            domain="vision",
            classes=10,
            test_threshold=0.9,
            budget=2_400,
            every=20,
            loss=loss,
            reference=Method(lr=0.001, weight_decay=0.7),
            groks=True,
        )
        make = partial(vision.digits, train=200, held=1_200)
        register(Task(card, VectorMLP(features=64, classes=10, gain=8.0), make))


def _two_hop(name: str, method: Method, *, hidden: int, batch: int, budget: int, groks: bool | None) -> None:
    card = TaskCard(
        id=name,
        domain="language",
        classes=16,
        test_threshold=0.9,
        budget=budget,
        every=50,
        batch=((1, batch),),
        reference=method,
        groks=groks,
    )
    reader = Transformer(vocabulary=29, slots=3, classes=16, kind="modern", layers=2, hidden=hidden)
    register(Task(card, reader, partial(language.two_hop, entities=16, relations=12, fraction=0.85)))


def _language() -> None:
    method = Method(lr=0.003, weight_decay=1.0)
    _two_hop("two-hop", method, hidden=128, batch=256, budget=2_000, groks=None)
    late = Method(lr=0.003, weight_decay=0.5)
    _two_hop("two-hop-256", late, hidden=256, batch=512, budget=1_500, groks=True)
    card = TaskCard(
        id="retrieval-4",
        domain="language",
        classes=8,
        test_threshold=0.9,
        budget=2_000,
        every=50,
        batch=((1, 128),),
        reference=method,
    )
    reader = Transformer(vocabulary=16, slots=9, classes=8, kind="modern", layers=2, hidden=128)
    make = partial(language.retrieval, pairs=4, keys=8, values=8, train=800, held=600)
    register(Task(card, reader, make))


_algorithmic()
_others()
_vision()
_language()
