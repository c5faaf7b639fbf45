"""Embree 4 through its C API, from the shared library that the `embreex` wheel carries.

Set-up calls go through ctypes, ray queries are called from numba kernels. A system
`libembree4` is used where the wheel's is absent.

Source of the numbers: include/embree4/*.h of Embree 4.4.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from functools import cache
from pathlib import Path

import llvmlite.binding
import numpy as np
from numba import types
from numpy.typing import NDArray

from synthgen.simserver.render.records import Pair
from synthgen.simserver.scene import F32, I32

LANES = 8
"""Rays in a packet: the widest that AVX2 traces natively."""
GROUND_SLOT = 0
"""Slot of what is traced without an instance."""

_GEOMETRY_TRIANGLE = 0
_GEOMETRY_INSTANCE = 121
_BUFFER_INDEX = 0
_BUFFER_VERTEX = 1
_FORMAT_UINT3 = 0x5003
_FORMAT_FLOAT3 = 0x9003
_FORMAT_3X4_ROW_MAJOR = 0x9134
_SCENE_DYNAMIC = 1
_SCENE_ROBUST = 4
_QUALITY_MEDIUM, _QUALITY_HIGH = 1, 2
_QUERY_COHERENT = 1 << 16
_ALL_FEATURES = 0xFFFFFFFF


class EmbreeError(RuntimeError):
    """Embree is absent, refused a call or fails its self-test."""


def _library_paths() -> list[str]:
    """The wheel's TBB and Embree, or the system's Embree."""
    # The wheel may stand in any folder of sys.path: a venv, a user's own, the system's.
    package = importlib.util.find_spec("embreex")
    roots = package.submodule_search_locations or () if package else ()
    for bundled in (Path(root).with_name("embreex.libs") for root in roots):
        found = [str(p) for name in ("libtbb*", "libembree4*") for p in sorted(bundled.glob(name))]
        if len(found) >= 2:
            return found
    system = ctypes.util.find_library("embree4")
    if system is None:
        raise EmbreeError(
            "no Embree 4: neither the package embreex nor the system has libembree4; "
            "run pip install embreex"
        )
    return [system]


def _load() -> ctypes.CDLL:
    library = None
    for path in _library_paths():
        library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        llvmlite.binding.load_library_permanently(path)
    assert library is not None
    return library


_lib = _load()
_ptr, _uint, _int, _size = ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_size_t
for _name, _result, _arguments in (
    ("rtcNewDevice", _ptr, [ctypes.c_char_p]),
    ("rtcGetDeviceError", _int, [_ptr]),
    ("rtcNewScene", _ptr, [_ptr]),
    ("rtcReleaseScene", None, [_ptr]),
    ("rtcSetSceneFlags", None, [_ptr, _int]),
    ("rtcSetSceneBuildQuality", None, [_ptr, _int]),
    ("rtcCommitScene", None, [_ptr]),
    ("rtcNewGeometry", _ptr, [_ptr, _int]),
    ("rtcReleaseGeometry", None, [_ptr]),
    ("rtcCommitGeometry", None, [_ptr]),
    ("rtcEnableGeometry", None, [_ptr]),
    ("rtcDisableGeometry", None, [_ptr]),
    ("rtcSetGeometryTimeStepCount", None, [_ptr, _uint]),
    ("rtcSetGeometryInstancedScene", None, [_ptr, _ptr]),
    ("rtcSetGeometryTransform", None, [_ptr, _uint, _int, _ptr]),
    ("rtcAttachGeometryByID", None, [_ptr, _ptr, _uint]),
    ("rtcDetachGeometry", None, [_ptr, _uint]),
    (
        "rtcSetSharedGeometryBuffer",
        None,
        [_ptr, _int, _uint, _int, _ptr, _size, _size, _size],
    ),
):
    getattr(_lib, _name).restype = _result
    getattr(_lib, _name).argtypes = _arguments

_address = types.intp
intersect8 = types.ExternalFunction(
    "rtcIntersect8", types.void(_address, _address, _address, _address)
)
occluded8 = types.ExternalFunction(
    "rtcOccluded8", types.void(_address, _address, _address, _address)
)


class _QueryArguments(ctypes.Structure):
    """RTCIntersectArguments and RTCOccludedArguments, which have the same layout."""

    _fields_ = (
        ("flags", ctypes.c_int),
        ("feature_mask", ctypes.c_uint),
        ("context", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
        ("intersect", ctypes.c_void_p),
        ("reserved", ctypes.c_uint64 * 4),
    )


class _QueryContext(ctypes.Structure):
    """RTCRayQueryContext: the instance that is entered, then that instance's primitive."""

    _fields_ = (("instance", ctypes.c_uint), ("instance_primitive", ctypes.c_uint))


# What is hit without an instance gets the instance of the context: slot 0, the map's own.
# Queries on a scene without instances only read it, so that all threads may share it.
_IN_SLOT_0 = _QueryContext(instance=GROUND_SLOT, instance_primitive=0xFFFFFFFF)


def _query(flags: int, context: _QueryContext | None) -> _QueryArguments:
    address = None if context is None else ctypes.addressof(context)
    return _QueryArguments(flags=flags, feature_mask=_ALL_FEATURES, context=address)


_COHERENT = _query(_QUERY_COHERENT, _IN_SLOT_0), _query(_QUERY_COHERENT, None)
_SCATTERED = _query(0, _IN_SLOT_0), _query(0, None)
COHERENT_QUERY = Pair(*map(ctypes.addressof, _COHERENT))
SCATTERED_QUERY = Pair(*map(ctypes.addressof, _SCATTERED))


@cache
def device(threads: int) -> Device:
    """The device of so many threads, which lives as long as the process.

    While a later device of one thread lives, another thread spins and does nothing:
    https://github.com/uxlfoundation/oneTBB/issues/1417.
    """
    return Device(threads)


class Device:
    """One Embree device: pinned to AVX2, so that other machines trace the same numbers."""

    def __init__(self, threads: int) -> None:
        self._handle = _lib.rtcNewDevice(f"threads={threads},isa=avx2".encode())
        if not self._handle:
            raise EmbreeError("Embree cannot run here: it needs a processor with AVX2")

    def check(self, action: str) -> None:
        """Raise the pending error of this device, if there is one.

        Raises:
            EmbreeError: Embree refused a call since the last check.
        """
        code = _lib.rtcGetDeviceError(self._handle)
        if code:
            raise EmbreeError(f"Embree error {code} while it was to {action}")

    def triangles(self, vertices_m: F32, triangles: I32, *, static: bool) -> TriangleScene:
        """A scene of one mesh, ready to be instanced."""
        return TriangleScene(self, self._handle, vertices_m, triangles, static=static)

    def top(self, time_steps: int = 1) -> TopScene:
        """An empty scene of instances; with two time steps they move during a frame."""
        return TopScene(self, self._handle, time_steps)


class TriangleScene:
    """The bounding volume hierarchy of one mesh."""

    def __init__(
        self, device: Device, handle: int, vertices_m: F32, triangles: I32, *, static: bool
    ) -> None:
        # Embree reads 16 bytes at the last vertex, hence one vertex of padding.
        padding = np.zeros((1, 3), np.float32)
        self._vertices = np.concatenate([vertices_m, padding]).astype(np.float32, order="C")
        self._triangles = np.array(triangles, np.uint32, order="C")
        self.scene = _lib.rtcNewScene(handle)
        _lib.rtcSetSceneFlags(self.scene, _SCENE_ROBUST)
        _lib.rtcSetSceneBuildQuality(self.scene, _QUALITY_HIGH if static else _QUALITY_MEDIUM)
        geometry = _lib.rtcNewGeometry(handle, _GEOMETRY_TRIANGLE)
        _set_buffer(geometry, _BUFFER_VERTEX, _FORMAT_FLOAT3, self._vertices, len(vertices_m))
        _set_buffer(geometry, _BUFFER_INDEX, _FORMAT_UINT3, self._triangles, len(triangles))
        _lib.rtcCommitGeometry(geometry)
        _lib.rtcAttachGeometryByID(self.scene, geometry, 0)
        _lib.rtcReleaseGeometry(geometry)
        _lib.rtcCommitScene(self.scene)
        device.check("build a mesh")

    def release(self) -> None:
        """Free the hierarchy."""
        _lib.rtcReleaseScene(self.scene)


class TopScene:
    """Instances by slot number; changes are seen after `commit`."""

    def __init__(self, device: Device, handle: int, time_steps: int) -> None:
        self._device = device
        self._handle = handle
        self._time_steps = time_steps
        self._instances: dict[int, int] = {}
        self.scene = _lib.rtcNewScene(handle)
        _lib.rtcSetSceneFlags(self.scene, _SCENE_DYNAMIC | _SCENE_ROBUST)
        _lib.rtcSetSceneBuildQuality(self.scene, _QUALITY_MEDIUM)

    def add(self, slot: int, mesh: TriangleScene) -> None:
        """Attach an instance of a mesh; it needs a `place` before the next commit."""
        geometry = _lib.rtcNewGeometry(self._handle, _GEOMETRY_INSTANCE)
        _lib.rtcSetGeometryInstancedScene(geometry, mesh.scene)
        _lib.rtcSetGeometryTimeStepCount(geometry, self._time_steps)
        _lib.rtcAttachGeometryByID(self.scene, geometry, slot)
        _lib.rtcReleaseGeometry(geometry)
        self._instances[slot] = geometry

    def place(self, slot: int, *map_from_part_addresses: int) -> None:
        """Set the transform (3x4 float32, row major) at each time step."""
        geometry = self._instances[slot]
        for step, address in enumerate(map_from_part_addresses):
            _lib.rtcSetGeometryTransform(geometry, step, _FORMAT_3X4_ROW_MAJOR, address)
        _lib.rtcCommitGeometry(geometry)

    def show(self, slot: int, *, visible: bool) -> None:
        """Let rays meet an instance, or pass it by."""
        call = _lib.rtcEnableGeometry if visible else _lib.rtcDisableGeometry
        call(self._instances[slot])

    def remove(self, slot: int) -> None:
        """Detach an instance."""
        _lib.rtcDetachGeometry(self.scene, slot)
        del self._instances[slot]

    def commit(self) -> None:
        """Make all changes visible to rays."""
        _lib.rtcCommitScene(self.scene)
        self._device.check("move the scene")

    def release(self) -> None:
        """Free the scene."""
        _lib.rtcReleaseScene(self.scene)


def _set_buffer(
    geometry: int,
    kind: int,
    layout: int,
    rows: NDArray[np.float32] | NDArray[np.uint32],
    count: int,
) -> None:
    _lib.rtcSetSharedGeometryBuffer(
        geometry, kind, 0, layout, rows.ctypes.data, 0, rows.shape[1] * 4, count
    )
