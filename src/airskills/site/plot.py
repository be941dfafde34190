"""Plots as inline SVG that take their colors from the page, so that both schemes show them; the same numbers give the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

WIDTH = 480  # as wide as a phone, so that text is never shrunk below reading size
_ROW, _BAR, _VALUE = 34, 10, 70
_LEFT, _RIGHT, _TOP, _HEIGHT, _KEY = 62, 30, 10, 200, 18

Point = tuple[float, float]


def number(value: float) -> str:
    """A number with three significant digits, and with commas."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def bars(title: str, unit: str, values: Mapping[str, float], ours: str = "") -> str:
    """A bar for each label; those that begin with `ours` have a color of their own."""
    most = max([*values.values(), 0.0]) or 1.0
    parts = []
    for row, (label, value) in enumerate(values.items()):
        y = row * _ROW
        width = max(1.0, value / most * (WIDTH - _VALUE))
        parts.append(f'<text x="0" y="{y + 13}">{escape(label)}</text>')
        parts.append(
            f'<rect class="bar s{1 if ours and label.startswith(ours) else 6 if ours else 3}" x="0" y="{y + 18}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
        )
        parts.append(f'<text x="{width + 6:.1f}" y="{y + 27}" class="soft">{number(value)}</text>')
    return _figure(title, unit, parts, len(values) * _ROW + 4)


def lines(title: str, unit: str, series: Mapping[str, Sequence[Point]]) -> str:
    """A line for each label, both axes logarithmic; six at most."""
    points = [point for line in series.values() for point in line]
    across = _Axis([x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = _Axis([y for _, y in points], _TOP + _HEIGHT, _TOP)
    parts = [*_grid(across, up)]
    for place, (label, line) in enumerate(series.items(), 1):
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(f'<polyline class="line s{place}" points="{path}"/>')
        y = _TOP + _HEIGHT + 28 + _KEY * place
        parts.append(
            f'<path class="line s{place}" d="M{_LEFT} {y - 4}h18"/><text x="{_LEFT + 26}" y="{y}">{escape(label)}</text>'
        )
    return _figure(title, unit, parts, _TOP + _HEIGHT + 36 + _KEY * len(series))


class _Axis:
    """From a value to a place on a logarithmic axis that ends at whole powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low = int(log10(min(values)) // 1)
        self.high = max(self.low + 1, -int(-log10(max(values)) // 1))
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The powers of ten from end to end."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def _grid(across: _Axis, up: _Axis) -> list[str]:
    bottom = _TOP + _HEIGHT
    parts = [f'<path class="grid" d="M{_LEFT} {up(y):.1f}H{WIDTH - _RIGHT}"/>' for y in up.ticks()]
    parts += [
        f'<text class="soft" x="{_LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{number(y)}</text>'
        for y in up.ticks()
    ]
    parts += [f'<path class="grid" d="M{across(x):.1f} {_TOP}V{bottom}"/>' for x in across.ticks()]
    return parts + [
        f'<text class="soft" x="{across(x):.1f}" y="{bottom + 18}" text-anchor="middle">{number(x)}</text>'
        for x in across.ticks()
    ]


def _figure(title: str, unit: str, parts: Sequence[str], height: float) -> str:
    inside = "".join(parts)
    return (
        f'<figure class="plot"><svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{inside}</svg>'
        f"<figcaption>{escape(title)} ({escape(unit)})</figcaption></figure>"
    )
