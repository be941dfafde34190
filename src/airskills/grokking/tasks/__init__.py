"""Tasks: a card (what is judged), a network and a function from seed to data."""

from airskills.grokking.tasks.registry import Task, get, names, register

__all__ = ["Task", "get", "names", "register"]
