"""All geometry of an episode: meshes, their instances, and the tables kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render import hits
from synthgen.simserver.render.embree import Device, TopScene, TriangleScene
from synthgen.simserver.render.lights import (
    Beam,
    body_row,
    lamp_row,
    lamps_of,
    street_lamps,
)
from synthgen.simserver.render.records import F32, F64, I32, I64, U32, Pair
from synthgen.simserver.render.shading import BODY_COLUMNS
from synthgen.simserver.render.specs import Scenery
from synthgen.simserver.scene import Mesh, Model

_IDENTITY = np.eye(3, 4, dtype=np.float32)


def triangle_rows(mesh: Mesh) -> tuple[U32, U32]:
    """(T, TRI_COLUMNS) and (T, LOOK_COLUMNS) uint32: the mesh's rows of the two tables."""
    rows = np.zeros((len(mesh.triangles), hits.TRI_COLUMNS), np.uint32)
    looks = np.zeros((len(mesh.triangles), hits.LOOK_COLUMNS), np.uint32)
    code = mesh.material.astype(np.uint32) | mesh.tag.astype(np.uint32) << 8
    if mesh.normals is not None:
        packed = _pack_unit(mesh.normals)
        looks[:, hits.LOOK_NORMALS : hits.LOOK_NORMALS + 3] = packed[mesh.triangles]
        code |= hits.HAS_NORMALS
    if mesh.uv_m is not None:
        corners = mesh.uv_m[mesh.triangles].reshape(-1, 6)
        words = np.ascontiguousarray(corners, np.float32).view(np.uint32)
        looks[:, hits.LOOK_UV : hits.LOOK_UV + 6] = words
        code |= hits.HAS_UV
    if mesh.object_index is not None:
        rows[:, hits.TRI_OBJECT] = mesh.object_index
    if mesh.variant is not None:
        rows[:, hits.TRI_VARIANT] = mesh.variant.astype(np.int64) & 0x7FFFFFFF
    rows[:, hits.TRI_CODE] = code
    return rows, looks


def _pack_unit(vectors: F32) -> U32:
    """(V,) uint32: unit vectors of 3 x 10 bits."""
    steps = np.rint((np.clip(vectors, -1.0, 1.0) + 1.0) * 511.0).astype(np.uint32)
    return np.asarray(steps[:, 0] | steps[:, 1] << 10 | steps[:, 2] << 20, np.uint32)


def _grown(table: U32, used: int, needed: int) -> U32:
    """A table with room for `needed` rows and the same `used` ones."""
    if needed <= len(table):
        return table
    grown = np.zeros((max(needed, 2 * len(table)), table.shape[1]), np.uint32)
    grown[:used] = table[:used]
    return grown


def _box_of(mesh: Mesh) -> F32:
    """(2, 3) float32 centre and half the size of the box about a mesh, its own frame."""
    low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
    return np.array([low + high, high - low], np.float32) / 2.0


@dataclass(slots=True)
class _Prototype:
    """One mesh: its rows in the triangle table and its hierarchy."""

    first_row: int
    scene: TriangleScene
    lamps: tuple[tuple[Beam, F64, F64], ...]


@dataclass(slots=True)
class _Actor:
    slots: list[int]
    lamps: list[tuple[int, Beam, F64, F64]]
    model: Model
    moved: bool = False


@dataclass(slots=True)
class _Fixture:
    """Scenery: slots of one environment object."""

    object_index: int
    slots: list[int] = field(default_factory=list)


class SceneGraph:
    """The map's own triangles, and two levels: meshes, and instances of them by slot number.

    The map's triangles are a scene of their own, which costs less than an instance of them.
    Tables grow by doubling: take them anew from the graph for each call of a kernel.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._prototypes: dict[Mesh, _Prototype] = {}
        self.triangles: U32 = np.zeros((1024, hits.TRI_COLUMNS), np.uint32)
        self.looks: U32 = np.zeros((1024, hits.LOOK_COLUMNS), np.uint32)
        self._row_count = 0
        self._map_rows = 0
        self._map_slots = 0
        self.slots: I64 = np.zeros((64, hits.SLOT_COLUMNS), np.int64)
        self.transforms: F32 = np.zeros((64, 3, 4), np.float32)
        self.previous: F32 = np.zeros((64, 3, 4), np.float32)
        self.palette: F32 = np.zeros((64, 8, 3), np.float32)
        self._boxes: F32 = np.zeros((64, 2, 3), np.float32)
        self._around: F64 | None = None
        self._free: list[int] = []
        self._used = 0
        self._actors: dict[int, _Actor] = {}
        self._fixtures: list[_Fixture] = []
        self._static: Mesh | None = None
        self._hidden: frozenset[int] = frozenset()
        self._hidden_triangles: NDArray[np.bool_] | None = None
        self._top: TopScene = device.top()
        self._nothing = device.triangles(
            np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), static=True
        )
        self._ground: TriangleScene = self._nothing
        self._dirty = True
        self._street_lamps = street_lamps(None)
        self._meshes: dict[int, TriangleScene] = {}
        self._unseen: set[int] = set()
        self._moving: TopScene | None = None

    def bodies(self) -> F64:
        """(B, BODY_COLUMNS) footprints of all actors, by actor id."""
        rows = []
        for _, actor in sorted(self._actors.items()):
            slot = actor.slots[0] if actor.slots else -1
            if not actor.moved or slot < 0:
                continue
            pose = self.transforms[slot].astype(np.float64)
            pose[:, 3] -= pose[:, :3] @ actor.model.parts[0].pivot_m
            box = actor.model.box_center_m, actor.model.box_extent_m
            rows.append(body_row(pose, box[0].astype(np.float64), box[1].astype(np.float64)))
        return np.array(rows).reshape(-1, BODY_COLUMNS)

    def boxes_m(self) -> F64:
        """(A, 2, 3) centres and half sizes, along the map's axes, of boxes about all instances.

        Instances that are not shown are left out.
        """
        if self._around is None:
            slots = [slot for slot in self._meshes if slot not in self._unseen]
            pose = self.transforms[slots].astype(np.float64)
            center, half = self._boxes[slots].astype(np.float64).transpose(1, 0, 2)
            center = np.einsum("aij,aj->ai", pose[:, :, :3], center) + pose[:, :, 3]
            # A centimetre for what rays in float32 are off far from the origin.
            half = np.einsum("aij,aj->ai", np.abs(pose[:, :, :3]), half) + 0.01
            self._around = np.stack([center, half], axis=1)
        return self._around

    @property
    def moving_scene(self) -> Pair:
        """Embree's scenes in which parts move from previous to present poses."""
        if self._moving is None:
            self._moving = self._device.top(2)
            for slot, mesh in sorted(self._meshes.items()):
                if slot not in self._unseen:
                    self._moving.add(slot, mesh)
                    before = self.previous[slot].ctypes.data
                    self._moving.place(slot, before, self.transforms[slot].ctypes.data)
            self._moving.commit()
        return Pair(self._ground.scene, self._moving.scene)

    def lamps(self) -> F64:
        """(L, LAMP_COLUMNS) lamps that are on: street lamps, then vehicles by actor id."""
        rows = []
        for _, actor in sorted(self._actors.items()):
            for slot, beam, at, towards in actor.lamps if actor.moved else ():
                if self.slots[slot, hits.SLOT_LIGHTS] & beam.bits:
                    pose = self.transforms[slot].astype(np.float64)
                    turned = pose[:, :3] @ towards
                    rows.append(lamp_row(beam, pose[:, :3] @ at + pose[:, 3], turned))
        return np.concatenate([self._street_lamps, *[row[None] for row in rows]])

    def set_street_lights(self, street_lights: F32) -> None:
        """Replace the street lamps that are on."""
        self._street_lamps = street_lamps(street_lights)

    @property
    def scene(self) -> Pair:
        """Embree's scenes of the present poses, committed."""
        if self._dirty:
            self._top.commit()
            self._dirty = False
        return Pair(self._ground.scene, self._top.scene)

    def load(self, static: Mesh, scenery: Sequence[Scenery], street_lights: F32 | None) -> None:
        """Take a map's geometry into an empty graph."""
        self._street_lamps = street_lamps(street_lights)
        self._static = static
        if len(static.triangles):
            self._add(static, _IDENTITY, instance=-1, variant=0, palette=None, static=True)
        for group in scenery:
            self._add_scenery(group)
        self._map_rows, self._map_slots = self._row_count, self._used

    def add_actor(self, actor_id: int, instance: int, model: Model, variant: int) -> None:
        """Add an actor's parts, unseen until they are placed."""
        if actor_id in self._actors:
            raise ValueError(f"actor {actor_id} is in the scene already")
        actor = _Actor([], [], model)
        for part in model.parts:
            if len(part.mesh.triangles) == 0:
                actor.slots.append(-1)
                continue
            slot = self._add(
                part.mesh, _IDENTITY, instance=instance, variant=variant, palette=model.palette
            )
            self._show(slot, visible=False)
            actor.slots.append(slot)
            actor.lamps += [(slot, *lamp) for lamp in self._prototypes[part.mesh].lamps]
        self._actors[actor_id] = actor

    def remove_actor(self, actor_id: int) -> None:
        """Remove an actor's parts."""
        for slot in self._actors.pop(actor_id).slots:
            if slot >= 0:
                self._top.remove(slot)
                del self._meshes[slot]
                self._unseen.discard(slot)
                self._free.append(slot)
        self._changed()

    def clear_actors(self) -> None:
        """Go back to the map alone, with slots and rows as they were after `load`."""
        for actor_id in list(self._actors):
            self.remove_actor(actor_id)
        for mesh, prototype in list(self._prototypes.items()):
            if prototype.first_row >= self._map_rows:
                prototype.scene.release()
                del self._prototypes[mesh]
        self._row_count, self._used = self._map_rows, self._map_slots
        self._free.clear()

    def move(
        self, actor_ids: Sequence[int], map_from_parts: Sequence[F32], light_bits: Iterable[int]
    ) -> None:
        """Begin a frame: present poses become previous ones, then the given actors move."""
        self.previous[: self._used] = self.transforms[: self._used]
        for actor_id, poses, lights in zip(actor_ids, map_from_parts, light_bits, strict=True):
            actor = self._actors[actor_id]
            self._place_parts(actor.slots, poses, int(lights))
            if not actor.moved:
                actor.moved = True
                self._show_new(actor.slots)
        self._changed()
        self._top.commit()
        self._dirty = False

    def hide(
        self, object_indices: Sequence[int], triangles: NDArray[np.bool_] | None = None
    ) -> None:
        """Hide exactly these environment objects, and (T,) these of the static triangles."""
        hidden = frozenset(int(k) for k in object_indices)
        changed = hidden ^ self._hidden
        is_same_ground = triangles is self._hidden_triangles
        if not changed and is_same_ground:
            return
        for fixture in self._fixtures:
            if fixture.object_index in changed:
                for slot in fixture.slots:
                    self._show(slot, visible=fixture.object_index not in hidden)
        self._hidden, self._hidden_triangles = hidden, triangles
        self._rebuild_static(None if not is_same_ground else changed)
        self._changed()

    def release(self) -> None:
        """Free all of Embree's memory of this graph."""
        self._changed()
        self._top.release()
        self._nothing.release()
        for prototype in self._prototypes.values():
            prototype.scene.release()
        self._prototypes.clear()

    def _add_scenery(self, group: Scenery) -> None:
        for k, pose in enumerate(np.asarray(group.map_from_model, np.float32)):
            index = int(group.object_indices[k])
            fixture = _Fixture(index)
            for part in group.model.parts:
                if len(part.mesh.triangles) == 0:
                    continue
                placed = pose.copy()
                placed[:, 3] += pose[:, :3] @ part.pivot_m
                slot = self._add(
                    part.mesh,
                    placed,
                    instance=(hits.OBJECT_BASE + index) & 0xFFFF if index >= 0 else 0,
                    variant=int(group.variants[k]) if len(group.variants) else 0,
                    palette=group.model.palette,
                )
                fixture.slots.append(slot)
            self._fixtures.append(fixture)

    def _add(
        self,
        mesh: Mesh,
        pose: F32,
        *,
        instance: int,
        variant: int,
        palette: F32 | None,
        static: bool = False,
    ) -> int:
        prototype = self._prototype(mesh, static=static)
        slot = self._new_slot()
        self.slots[slot, hits.SLOT_ROW] = prototype.first_row
        self.slots[slot, hits.SLOT_INSTANCE] = instance
        self.slots[slot, hits.SLOT_VARIANT] = variant & 0x7FFFFFFF
        self.slots[slot, hits.SLOT_PALETTE] = slot
        self.slots[slot, hits.SLOT_LIGHTS] = 0
        self.slots[slot, hits.SLOT_MOVES] = 0 if static else 1
        self.palette[slot] = 0.0 if palette is None else palette
        self.transforms[slot] = self.previous[slot] = pose
        if static:
            self._ground = prototype.scene
        else:
            self._meshes[slot] = prototype.scene
            self._boxes[slot] = _box_of(mesh)
            self._top.add(slot, prototype.scene)
            self._top.place(slot, self.transforms[slot].ctypes.data)
        self._changed()
        return slot

    def _changed(self) -> None:
        self._dirty = True
        self._around = None
        if self._moving is not None:
            self._moving.release()
            self._moving = None

    def _show(self, slot: int, *, visible: bool) -> None:
        self._top.show(slot, visible=visible)
        if visible:
            self._unseen.discard(slot)
        else:
            self._unseen.add(slot)

    def _prototype(self, mesh: Mesh, *, static: bool) -> _Prototype:
        known = self._prototypes.get(mesh)
        if known is not None:
            return known
        rows, looks = triangle_rows(mesh)
        first = self._row_count
        self._row_count += len(rows)
        self.triangles = _grown(self.triangles, first, self._row_count)
        self.looks = _grown(self.looks, first, self._row_count)
        self.triangles[first : self._row_count] = rows
        self.looks[first : self._row_count] = looks
        scene = self._device.triangles(mesh.vertices_m, mesh.triangles, static=static)
        self._prototypes[mesh] = _Prototype(first, scene, lamps_of(mesh))
        return self._prototypes[mesh]

    def _new_slot(self) -> int:
        if self._free:
            self._free.sort(reverse=True)
            return self._free.pop()
        slot = self._used
        self._used += 1
        if slot == len(self.slots):
            self.slots = np.concatenate([self.slots, np.zeros_like(self.slots)])
            self.transforms = np.concatenate([self.transforms, np.zeros_like(self.transforms)])
            self.previous = np.concatenate([self.previous, np.zeros_like(self.previous)])
            self.palette = np.concatenate([self.palette, np.zeros_like(self.palette)])
            self._boxes = np.concatenate([self._boxes, np.zeros_like(self._boxes)])
        return slot

    def _place_parts(self, slots: Sequence[int], poses: F32, lights: int) -> None:
        base = self.transforms.ctypes.data
        for slot, pose in zip(slots, poses, strict=True):
            if slot >= 0:
                self.transforms[slot] = pose
                self.slots[slot, hits.SLOT_LIGHTS] = lights
                self._top.place(slot, base + 48 * slot)

    def _show_new(self, slots: Sequence[int]) -> None:
        for slot in slots:
            if slot >= 0:
                self.previous[slot] = self.transforms[slot]
                self._show(slot, visible=True)

    def _rebuild_static(self, changed: frozenset[int] | None) -> None:
        """Fold the hidden static triangles into points, which no ray meets.

        `changed` are the objects that were hidden or shown; None where the ground was as well.
        """
        static = self._static
        if static is None or static.object_index is None or not len(static.triangles):
            return
        if changed is not None and not np.isin(static.object_index, [k + 1 for k in changed]).any():
            return  # Scenery alone was hidden or shown.
        shown: I32 = static.triangles.copy()
        gone = np.isin(static.object_index, [k + 1 for k in self._hidden])
        if self._hidden_triangles is not None:
            gone |= self._hidden_triangles
        shown[gone] = shown[gone][:, :1]
        scene = self._device.triangles(static.vertices_m, shown, static=True)
        old = self._prototypes[static].scene
        self._prototypes[static].scene = scene
        self._ground = scene
        old.release()
