"""What sizes are known: of models, and of the vehicles that a map is furnished with.

A simulator draws its objects from a catalogue, so that one model has one size, and a vehicle
without a model's name has that of some model. A catalogue that a recording plainly does not follow
is another simulator's, or the recording is of the real world: then it says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.arrays import F64, Bool
from synthgen.qa.audit.labels import Labels

ModelSizes = Mapping[str, tuple[float, float, float]]  # length, width, height by blueprint
# |log| ratio of a side to the known one: bodies are rigid, and boxes of walkers are their models'.
_SAME: Final = 0.05
_TWIN: Final = 0.01  # vehicles of one model differ by rounding only
_BEYOND: Final = 0.10  # the bounds of a class are those of most, not of all of its members
_MODEL_TRACKS: Final = 3  # so many tracks of a model outvote a wrong one
_FLEET_TRACKS: Final = 5
_FOLLOWED: Final = 0.8


@dataclass(frozen=True, eq=False, slots=True)
class KnownSizes:
    """Sizes that labels can be held against.

    Attributes:
        models: By blueprint.
        fleet: (M, 3) that vehicles without a blueprint come in; none where they come in any.
    """

    models: ModelSizes
    fleet: F64


NO_SIZES: Final = KnownSizes({}, np.zeros((0, 3)))


@dataclass(frozen=True, slots=True)
class _Track:
    model: str
    is_vehicle: bool
    size_lwh_m: tuple[float, ...]


def known_sizes(recordings: Iterable[Labels], catalogue: ModelSizes) -> KnownSizes:
    """Sizes known of a data set's objects.

    Args:
        recordings: The labels, faulty ones among them.
        catalogue: Sizes of models known from elsewhere.
    """
    tracks = [track for labels in recordings for track in _tracks(labels)]
    own = _medians(tracks, _MODEL_TRACKS)
    listed = [track for track in tracks if track.model in catalogue]
    followed = [_ratio(track.size_lwh_m, catalogue[track.model]) < _SAME for track in listed]
    if followed and np.mean(followed) < _FOLLOWED:
        catalogue = {}
    models = {**catalogue, **own}
    return KnownSizes(models, _fleet(tracks, models))


def model_sizes(recordings: Iterable[Labels]) -> dict[str, tuple[float, float, float]]:
    """Median size of every model in some good labels."""
    return _medians([track for labels in recordings for track in _tracks(labels)], 1)


def size_scores(labels: Labels, known: KnownSizes, is_vehicle: Bool) -> F64:
    """(N,) sides against the model's, else the fleet's, and what is credible for the class."""
    taxonomy = default_taxonomy()
    size = np.maximum(labels.size_lwh_m, 1e-3)
    scores = np.full(len(labels), np.nan)
    for model in np.unique(labels.model).tolist():
        own = labels.model == model
        if model in known.models:
            scores[own] = _ratios(size[own], np.array([known.models[model]])) / _SAME
        elif not _is_blueprint(model) and len(known.fleet):
            own &= is_vehicle
            scores[own] = _ratios(size[own], known.fleet) / _SAME
    for name in np.unique(labels.category).tolist():
        category = taxonomy.categories.get(name)
        if category is not None:
            own = labels.category == name
            low, high = np.array(category.size_range_lwh_m).T
            beyond = np.maximum(np.log(size[own] / high), np.log(low / size[own])).max(axis=1)
            scores[own] = np.fmax(scores[own], np.maximum(beyond, 0.0) / _BEYOND)
    return scores


def _tracks(labels: Labels) -> list[_Track]:
    if labels.track is None:
        return []
    categories = default_taxonomy().categories
    _ids, first = np.unique(labels.track, return_index=True)
    return [
        _Track(
            model=str(labels.model[row]),
            is_vehicle=str(labels.category[row]) in categories
            and categories[str(labels.category[row])].group == "vehicle",
            size_lwh_m=tuple(np.maximum(labels.size_lwh_m[row], 1e-3).tolist()),
        )
        for row in first.tolist()
    ]


def _is_blueprint(model: str) -> bool:
    # Things of the map have names like `ParkedVehicle_70`; a blueprint has dots.
    return "." in model


def _medians(tracks: list[_Track], least: int) -> dict[str, tuple[float, float, float]]:
    sizes: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for track in tracks:
        if _is_blueprint(track.model):
            sizes[track.model].append(track.size_lwh_m)
    return {
        model: tuple(np.round(np.median(several, axis=0), 3).tolist())
        for model, several in sorted(sizes.items())
        if len(several) >= least
    }


def _fleet(tracks: list[_Track], models: ModelSizes) -> F64:
    """Sizes of models, and those that two vehicles share, if nearly all vehicles have one."""
    parked = [t.size_lwh_m for t in tracks if t.is_vehicle and not _is_blueprint(t.model)]
    if len(parked) < _FLEET_TRACKS:
        return NO_SIZES.fleet
    sizes = np.array(parked)
    apart = np.abs(np.log(sizes[:, None] / sizes[None])).max(axis=2)
    shared = sizes[(apart < _TWIN).sum(axis=1) > 1]
    fleet = np.concatenate([np.array(list(models.values())).reshape(-1, 3), shared])
    fits = _ratios(sizes, fleet) < _SAME if len(fleet) else np.zeros(len(sizes), dtype=np.bool_)
    return np.unique(fleet, axis=0) if fits.mean() >= _FOLLOWED else NO_SIZES.fleet


def _ratio(size: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(np.abs(np.log(np.array(size) / np.array(other))).max())


def _ratios(sizes: F64, known: F64) -> F64:
    """(n,) greatest |log| ratio of a side to that of the nearest known size."""
    return np.asarray(np.abs(np.log(sizes[:, None] / known[None])).max(axis=2).min(axis=1))
