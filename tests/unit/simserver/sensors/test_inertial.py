"""IMU and GNSS against the client's own geo conversion and mechanics on paper."""

import carla
import msgpack
import pytest

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.inertial import GeoReference, imu_payload
from synthgen.simserver.wire.structs import Rotation, Transform, Vector3D

XODR = """<OpenDRIVE><header revMajor="1" revMinor="4">
<geoReference><![CDATA[+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0]]></geoReference>
</header><road name="r" length="10" id="0" junction="-1"><planView>
<geometry s="0" x="0" y="0" hdg="0" length="10"><line/></geometry></planView>
<lanes><laneSection s="0"><center><lane id="0" type="none" level="false"/></center>
<right><lane id="-1" type="driving" level="false"><width sOffset="0" a="3" b="0" c="0" d="0"/>
</lane></right></laneSection></lanes></road></OpenDRIVE>"""


@pytest.mark.parametrize(("latitude", "longitude"), [(48.137, 11.575), (-33.9, 151.2), (0.0, 0.0)])
@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (1500.0, -800.0, 12.0), (-40.0, 300.0, 1.0)])
def test_degrees_are_those_of_the_client(
    latitude: float, longitude: float, place: tuple[float, float, float]
) -> None:
    text = XODR.format(lat=latitude, lon=longitude)
    expected = carla.Map("m", text).transform_to_geolocation(carla.Location(*place))
    found = GeoReference.of(text).degrees_of(Vector3D(*place))
    assert found == pytest.approx(
        (expected.latitude, expected.longitude, expected.altitude), abs=1e-9
    )


def test_imu_of_a_car_on_its_side_feels_gravity_sideways() -> None:
    # Rolled by 90 degrees the sensor's right hand points down, so what holds it up points left.
    attributes = Attributes("sensor.other.imu", {})
    pose = Transform(Vector3D(), Rotation(0.0, 0.0, 90.0))
    right = carla.Transform(carla.Location(), carla.Rotation(roll=90.0)).get_right_vector()
    payload = imu_payload(attributes, pose, Vector3D(), Vector3D(), 0)
    force, _, compass = msgpack.unpackb(payload)
    assert force == pytest.approx([0.0, 9.81 * right.z, 0.0], abs=1e-6)
    assert compass == pytest.approx(1.5707963)
