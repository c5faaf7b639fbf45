"""Vehicles as plain meshes: which of ours `static.prop.mesh` shows for a path of CARLA's."""

from __future__ import annotations

MESH_PROP = "static.prop.mesh"

# Words of paths under /Game/Carla/Static/<Car, Truck, ...>/, the more special ones first.
# Source: the parked vehicles that CARLA's leaderboard 2.0 places along its routes.
_BY_WORD = {
    "charger": "vehicle.dodge.charger_2020",
    "teslam3": "vehicle.tesla.model3",
    "mercedesccc": "vehicle.mercedes.coupe_2020",
    "mini2021": "vehicle.mini.cooper_s_2021",
    "lincoln": "vehicle.lincoln.mkz_2020",
    "fordcrown": "vehicle.ford.crown",
    "nissanpatrol2021": "vehicle.nissan.patrol_2021",
    "volkswagent2": "vehicle.volkswagen.t2_2021",
}
# What stands in for a mesh of which no more is known than its folder.
_BY_FOLDER = {
    "car": "vehicle.lincoln.mkz_2020",
    "truck": "vehicle.carlamotors.european_hgv",
    "bus": "vehicle.mitsubishi.fusorosa",
    "motorcycle": "vehicle.kawasaki.ninja",
    "bicycle": "vehicle.bh.crossbike",
}


def vehicle_of_mesh(mesh_path: str) -> str | None:
    """The vehicle blueprint that looks like a mesh, or None where the mesh is no vehicle.

    Args:
        mesh_path: Like `/Game/Carla/Static/Car/4Wheeled/ParkedVehicles/TeslaM3/SM_TeslaM3_parked`.
    """
    folders = mesh_path.lower().split("/")
    # CARLA takes the tag of a mesh from the folder below Static (ATagger::GetLabelByPath).
    below = folders[folders.index("static") + 1] if "static" in folders[:-1] else ""
    stand_in = _BY_FOLDER.get(below)
    if stand_in is None:
        return None
    name = folders[-1].replace("_", "")
    return next((vehicle for word, vehicle in _BY_WORD.items() if word in name), stand_in)
