"""What labels depend on besides the clip; stored in `labels.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """Limits and resolutions of the labels.

    Attributes:
        near_plane_m: Cuboids are cut here before they are projected.
        occlusion_margin_m: How much nearer than the cuboid a pixel must be to hide it.
        min_visible_px: Boxes with fewer visible pixels are marked `ignore`.
        range_m: 3D labels reach this far from the ego, measured in the plane; 2D labels of what
            no pixel shows this far from the camera.
        moving_mps: Slower objects count as standing.
        coverage_range_m: Pixels and points of road users nearer than this must belong to a label.
        bev_cells: Rows and columns of the bird's-eye rasters.
        bev_cell_m: Width of their cells.
        occupancy_period: Every so many captures get an occupancy grid; 0 for none.
    """

    near_plane_m: float = 0.1
    occlusion_margin_m: float = 0.05
    min_visible_px: int = 20
    range_m: float = 100.0
    moving_mps: float = 0.3
    coverage_range_m: float = 60.0
    bev_cells: int = 200
    bev_cell_m: float = 0.5
    occupancy_period: int = 5

    def document(self) -> dict[str, object]:
        """The settings as plain data for `labels.json`."""
        return asdict(self)
