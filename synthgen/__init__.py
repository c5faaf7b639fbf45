"""Synthetic driving data through the real CARLA client."""

from typing import Final

__version__: Final = "0.1.0"
