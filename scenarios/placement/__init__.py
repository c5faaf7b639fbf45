"""Where on a map a scenario can take place."""

from scenarios.placement.map_index import MapIndex, load_index

__all__ = ["MapIndex", "load_index"]
