"""Survival curves as a small SVG, without a plotting library: deterministic text that can be committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 200, 30, 45
# Okabe & Ito's palette: tells eight lines apart for color-blind readers too.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")


@dataclass(frozen=True, slots=True)
class Line:
    """A step function: label, times, and the share left after each time."""

    label: str
    times: Sequence[float]
    shares: Sequence[float]


def survival(title: str, lines: Sequence[Line], start: float, horizon: float) -> str:
    """Shares not yet generalized (vertical) against steps on a logarithmic axis from `start` to `horizon`."""
    body = [_text(LEFT, 18, title, weight="bold"), *_axes(start, horizon)]
    for number, line in enumerate(lines):
        color = COLORS[number % len(COLORS)]
        dash = "" if number < len(COLORS) else ' stroke-dasharray="5 3"'
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in _steps(line, start, horizon))
        body.append(f'<polyline fill="none" stroke="{color}" stroke-width="2"{dash} points="{points}"/>')
        height = TOP + 12 + 16 * number
        body.append(
            f'<rect x="{WIDTH - RIGHT + 12}" y="{height - 8}" width="10" height="10" fill="{color}"/>'
        )
        body.append(_text(WIDTH - RIGHT + 28, height, line.label))
    inside = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11" role="img">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{inside}\n</svg>\n'
    )


def _x(step: float, start: float, horizon: float) -> float:
    share = (log10(max(step, start)) - log10(start)) / (log10(horizon) - log10(start))
    return LEFT + min(share, 1.0) * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _steps(line: Line, start: float, horizon: float) -> list[tuple[float, float]]:
    points, level = [(_x(start, start, horizon), _y(1.0))], 1.0
    for time, share in zip(line.times, line.shares, strict=True):
        x = _x(time, start, horizon)
        points += [(x, _y(level)), (x, _y(share))]
        level = share
    return [*points, (_x(horizon, start, horizon), _y(level))]


def _axes(start: float, horizon: float) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{share:.2f}", anchor="end"))
    for step in ticks(start, horizon):
        x = _x(step, start, horizon)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{step:,}", anchor="middle"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        _text(middle, HEIGHT - 8, "steps (logarithmic); share of runs not yet generalized", anchor="middle")
    )
    return parts


def ticks(start: float, horizon: float) -> list[int]:
    """1, 2 and 5 times powers of ten within the range."""
    values = [m * 10**e for e in range(9) for m in (1, 2, 5)]
    return [v for v in values if start <= v <= horizon]


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
    )
