"""Wire values to records, strictly."""

import msgpack
import pytest

from synthgen.simserver.wire.structs import (
    ActorDescription,
    AttributeValue,
    DecodeError,
    EpisodeSettings,
    Transform,
    VehicleControl,
    VehicleLightState,
    decoder_of,
    to_wire,
)

# carla_protocol.md section 11: CARLA's default settings as they travel.
DEFAULT_SETTINGS = [False, False, [False], True, 0.01, 10, 0.0, True, 3000.0, 2000.0, True]


def test_default_settings_travel_as_carlas() -> None:
    assert to_wire(EpisodeSettings()) == DEFAULT_SETTINGS


def test_optional_step_is_read() -> None:
    wire = [*DEFAULT_SETTINGS[:2], [True, 0.05], *DEFAULT_SETTINGS[3:]]
    assert decoder_of(EpisodeSettings)(wire).fixed_delta_seconds == 0.05


def test_records_pack_as_arrays() -> None:
    packed = msgpack.packb(VehicleControl(throttle=0.5, gear=1))
    assert packed.hex() == "97cb3fe0000000000000cb0000000000000000cb0000000000000000c2c2c201"


def test_struct_of_one_field_is_an_array() -> None:
    assert msgpack.packb(VehicleLightState(10)).hex() == "910a"


def test_description_is_read_with_its_attributes() -> None:
    wire = [3, "vehicle.audi.tt", [["color", 5, "1,2,3"]]]
    expected = ActorDescription(3, "vehicle.audi.tt", [AttributeValue("color", 5, "1,2,3")])
    assert decoder_of(ActorDescription)(wire) == expected


@pytest.mark.parametrize(
    "wire",
    [
        None,
        [],
        [[0.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, "x"]],
        [[0.0, 0.0, float("nan")], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, float("inf")], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        {"location": 1},
    ],
)
def test_misshapen_transform_is_refused(wire: object) -> None:
    with pytest.raises(DecodeError):
        decoder_of(Transform)(wire)
