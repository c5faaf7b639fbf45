"""Debug shapes: kept as long as they live, drawn nowhere."""

from __future__ import annotations

from synthgen.simserver.wire.structs import DebugShape

STRING_PRIMITIVE = 4
MOST_SHAPES = 10000


class DebugDrawing:
    """The shapes that clients have drawn."""

    def __init__(self) -> None:
        self._shapes: list[tuple[float, DebugShape]] = []

    def add(self, shape: DebugShape, now_s: float) -> None:
        """Keep a shape; beyond the limit the oldest goes."""
        ends_s = float("inf") if shape.life_time < 0 else now_s + shape.life_time
        self._shapes.append((ends_s, shape))
        del self._shapes[:-MOST_SHAPES]

    def alive(self, now_s: float) -> list[DebugShape]:
        """Shapes whose life is not over."""
        self._shapes = [entry for entry in self._shapes if entry[0] >= now_s]
        return [shape for _, shape in self._shapes]

    def clear(self, *, strings: bool) -> None:
        """Forget all texts, or all other shapes."""
        self._shapes = [
            entry for entry in self._shapes if (_kind(entry[1]) == STRING_PRIMITIVE) != strings
        ]


def _kind(shape: DebugShape) -> object:
    return shape.primitive[0] if shape.primitive else None
