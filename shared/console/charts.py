"""Charts as SVG, made on the server. The figures stand in a table beneath each chart."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

SPARK_WIDTH, SPARK_HEIGHT = 104, 22


def points(values: Sequence[float], width: float, height: float) -> list[tuple[float, float]]:
    """Where each value lies in a box, the largest at its top."""
    most, last = max([*values, 0.0]) or 1.0, max(1, len(values) - 1)
    return [
        (round(place / last * width, 1), round(height - value / most * height, 1))
        for place, value in enumerate(values)
    ]


def spark(values: Sequence[float]) -> "Markup":
    """A small line without axes, for a cell of a table. It says nothing that the row does not."""
    from markupsafe import Markup

    line = " ".join(f"{x},{y}" for x, y in points(values, SPARK_WIDTH, SPARK_HEIGHT - 2))
    return Markup(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 -1 {w} {h}" aria-hidden="true">'
        '<polygon class="a" points="0,{b} {line} {w},{b}"/>'
        '<polyline class="l" points="{line}"/></svg>'
    ).format(w=SPARK_WIDTH, h=SPARK_HEIGHT, b=SPARK_HEIGHT - 2, line=line)
