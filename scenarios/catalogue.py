"""The blueprints scenarios choose from, by kind, with the sizes the solver assumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.errors import ConfigError

# Full sizes (length, width, height), metres: CARLA 0.9.15 bounding boxes as measured for Scenic's
# blueprint table; the bus by its maker (CARLA's own box is wider than a lane).
SIZES: dict[str, tuple[float, float, float]] = {
    "vehicle.audi.a2": (3.705, 1.789, 1.549),
    "vehicle.audi.etron": (4.856, 2.033, 1.649),
    "vehicle.audi.tt": (4.181, 1.994, 1.385),
    "vehicle.citroen.c3": (3.988, 1.851, 1.617),
    "vehicle.chevrolet.impala": (5.357, 2.033, 1.411),
    "vehicle.dodge.charger_2020": (5.008, 1.882, 1.535),
    "vehicle.lincoln.mkz_2020": (4.892, 1.837, 1.490),
    "vehicle.mercedes.coupe_2020": (4.674, 1.812, 1.442),
    "vehicle.mini.cooper_s": (3.806, 1.970, 1.475),
    "vehicle.nissan.micra": (3.633, 1.845, 1.501),
    "vehicle.nissan.patrol": (4.605, 1.932, 1.855),
    "vehicle.seat.leon": (4.193, 1.816, 1.474),
    "vehicle.tesla.model3": (4.792, 2.163, 1.488),
    "vehicle.toyota.prius": (4.514, 2.007, 1.525),
    "vehicle.mercedes.sprinter": (5.915, 1.988, 2.561),
    "vehicle.volkswagen.t2": (4.480, 2.069, 2.038),
    "vehicle.volkswagen.t2_2021": (4.442, 1.775, 1.987),
    "vehicle.carlamotors.carlacola": (5.204, 2.627, 2.467),
    "vehicle.carlamotors.european_hgv": (7.936, 2.891, 3.462),
    "vehicle.carlamotors.firetruck": (8.468, 2.891, 3.827),
    "vehicle.ford.ambulance": (6.366, 2.351, 2.431),
    "vehicle.mitsubishi.fusorosa": (7.730, 2.065, 2.735),
    "vehicle.dodge.charger_police_2020": (5.238, 1.930, 1.638),
    "vehicle.harley-davidson.low_rider": (2.350, 0.766, 1.649),
    "vehicle.kawasaki.ninja": (2.044, 0.797, 1.523),
    "vehicle.yamaha.yzf": (2.191, 0.866, 1.530),
    "vehicle.vespa.zx125": (1.817, 0.866, 1.590),
    "vehicle.bh.crossbike": (1.509, 0.866, 1.612),
    "vehicle.diamondback.century": (1.656, 0.582, 1.620),
    "vehicle.gazelle.omafiets": (1.843, 0.659, 1.776),
    "static.prop.ball": (0.22, 0.22, 0.22),
    "static.prop.box01": (0.652, 0.652, 0.692),
    "static.prop.trafficcone01": (0.883, 0.882, 1.133),
    "static.prop.constructioncone": (0.344, 0.344, 0.586),
    "static.prop.streetbarrier": (1.215, 0.372, 1.069),
    "static.prop.shoppingcart": (0.669, 1.208, 1.079),
    "static.prop.trashcan01": (0.635, 0.568, 0.848),
    "static.prop.trashbag": (0.378, 0.430, 0.702),
    "static.prop.warningaccident": (1.305, 1.055, 1.860),
    "static.prop.busstop": (3.876, 1.894, 2.739),
}
KINDS: dict[str, tuple[str, ...]] = {
    "car": (
        "vehicle.audi.a2", "vehicle.audi.etron", "vehicle.audi.tt", "vehicle.citroen.c3",
        "vehicle.chevrolet.impala", "vehicle.dodge.charger_2020", "vehicle.mercedes.coupe_2020",
        "vehicle.mini.cooper_s", "vehicle.nissan.micra", "vehicle.nissan.patrol",
        "vehicle.seat.leon", "vehicle.tesla.model3", "vehicle.toyota.prius",
    ),
    "van": ("vehicle.mercedes.sprinter", "vehicle.volkswagen.t2_2021"),
    "truck": ("vehicle.carlamotors.carlacola", "vehicle.carlamotors.european_hgv"),
    "bus": ("vehicle.mitsubishi.fusorosa",),
    "motorcycle": (
        "vehicle.harley-davidson.low_rider", "vehicle.kawasaki.ninja", "vehicle.yamaha.yzf",
    ),
    "scooter": ("vehicle.vespa.zx125",),
    "bicycle": (
        "vehicle.bh.crossbike", "vehicle.diamondback.century", "vehicle.gazelle.omafiets",
    ),
    "emergency": ("vehicle.ford.ambulance", "vehicle.dodge.charger_police_2020"),
    "prop": ("static.prop.ball",),
}  # fmt: skip

# CARLA's pedestrian catalogue: 0009 to 0014, 0048 and 0049 are children; which adults look old is
# our choice. Heights: DIN 33402-2 (adults), CARLA's boxes (children); widths: gait envelopes.
_CHILDREN = (9, 10, 11, 12, 13, 14, 48, 49)
_ELDERLY = (28, 37, 39, 44, 45)
_POLICE = (30, 32)
_TEENAGERS = (50, 51)
PROFILES: dict[str, tuple[int, ...]] = {
    "adult": tuple(
        i for i in range(1, 48) if i not in (*_CHILDREN, *_ELDERLY, *_POLICE, *_TEENAGERS)
    ),
    "child": _CHILDREN,
    "elderly": _ELDERLY,
    "wheelchair": (1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 18),
}
WALKER_SIZES: dict[str, tuple[float, float, float]] = {
    "adult": (0.6, 0.6, 1.75),
    "child": (0.5, 0.45, 1.2),
    "elderly": (0.6, 0.6, 1.66),
    "wheelchair": (1.12, 0.66, 1.32),
}


@dataclass(frozen=True, slots=True)
class Body:
    """A chosen blueprint: id, attributes, assumed full size, category of configs/taxonomy.yaml."""

    blueprint: str
    attributes: dict[str, str]
    size_lwh_m: tuple[float, float, float]
    category: str


def vehicle(kind: str, model: str | None, rng: np.random.Generator) -> Body:
    """A vehicle or prop of a kind; without `model` one is drawn."""
    options = KINDS[kind]
    blueprint = model or options[int(rng.integers(len(options)))]
    if blueprint not in SIZES:
        raise ConfigError(f"model: {blueprint!r} is unknown; known: {', '.join(sorted(SIZES))}")
    category = default_taxonomy().category_of_blueprint(blueprint, {})
    return Body(blueprint, {}, SIZES[blueprint], category)


def pedestrian(profile: str, rng: np.random.Generator) -> Body:
    """A walker of a profile, drawn by `rng`."""
    if profile not in PROFILES:
        raise ConfigError(f"profile: {profile!r} is unknown; known: {', '.join(PROFILES)}")
    options = walkers(profile)
    blueprint = options[int(rng.integers(len(options)))]
    attributes = {"is_invincible": "false"}
    if profile == "wheelchair":
        attributes["use_wheelchair"] = "true"
    return Body(blueprint, attributes, WALKER_SIZES[profile], "pedestrian")


def walkers(profile: str) -> tuple[str, ...]:
    """The walker blueprints of a profile."""
    return tuple(f"walker.pedestrian.{number:04d}" for number in PROFILES[profile])
