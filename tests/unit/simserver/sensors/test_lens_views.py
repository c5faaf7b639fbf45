from __future__ import annotations

import pytest

from synthgen.simserver.render.specs import CameraSpec
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.vision import view_of
from synthgen.simserver.world.errors import SpawnError

RGB = "sensor.camera.rgb"


def test_fisheye_may_see_more_than_half_a_turn() -> None:
    view = view_of(RGB, Attributes(RGB, {"fov": "190", "lens_model": "equidistant"}), "low")
    assert view is not None
    assert isinstance(view.spec, CameraSpec)
    assert view.spec.fov_deg == 190


def test_pinhole_of_half_a_turn_is_refused() -> None:
    with pytest.raises(SpawnError, match=r"fov: expected 0.001 to 179.999, got 190"):
        view_of(RGB, Attributes(RGB, {"fov": "190"}), "low")


def test_more_pixels_than_an_8k_picture_are_refused() -> None:
    size = {"image_size_x": "16384", "image_size_y": "16384"}
    with pytest.raises(SpawnError, match=r"at most 33177600 .7680 x 4320., got 268435456"):
        view_of(RGB, Attributes(RGB, size), "low")


def test_table_of_beams_that_fits_no_channels_is_refused() -> None:
    asked = {"channels": "32", "beam_elevations": "1 2 3"}
    with pytest.raises(SpawnError, match=r"beam_elevations: .* each of 32 channels, got 3"):
        view_of("sensor.lidar.ray_cast", Attributes("sensor.lidar.ray_cast", asked), "low")
