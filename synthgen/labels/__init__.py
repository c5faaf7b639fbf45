"""Labels as pure functions of stored sensor data and actor states."""

from synthgen.labels.clip import LabelTables, label_clip
from synthgen.labels.settings import LabelSettings

__all__ = ["LabelSettings", "LabelTables", "label_clip"]
