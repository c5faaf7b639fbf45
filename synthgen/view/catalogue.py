"""`synthgen view`: a dataset as a folder of static pages that work from disk.

Browsers load no data files from disk by themselves, so the data are scripts: `cards.js` for the
list, and one `clips/<id>/scene.js` that the page adds when a clip is opened.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from synthgen.errors import DatasetError
from synthgen.store import image_codec
from synthgen.store.clip_reader import ClipReader
from synthgen.store.commit import committed_manifests
from synthgen.store.durable import output_errors, write_durably
from synthgen.view.facts import ClipAudit, clip_card, clip_scene, read_audit

_WIDTH_PX: Final = 720
_THUMB_WIDTH_PX: Final = 320
_QUALITY: Final = (cv2.IMWRITE_JPEG_QUALITY, 82)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What was written.

    Attributes:
        page: The page to open.
        clips: Number of clips in it.
        unreadable: Message for each clip that could not be read.
    """

    page: Path
    clips: int
    unreadable: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """2 if a clip could not be read."""
        return 2 if self.unreadable else 0


def write_catalogue(dataset: Path, out: Path) -> Catalogue:
    """Write the pages of a dataset; clips that are there already are kept.

    Args:
        dataset: Dataset folder.
        out: Folder of the pages.

    Raises:
        DatasetError: There is no dataset; clips that cannot be read are listed instead.
        OutputError: The folder cannot be written.
    """
    if not (dataset / "clips").is_dir():
        raise DatasetError(f"{dataset}: expected a dataset (a folder with clips/), found none")
    audits = read_audit(dataset)
    cards: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for manifest in committed_manifests(dataset):
        audit = audits.get(manifest.parent.name, ClipAudit("not audited", {}))
        try:
            cards.append(_write_clip(manifest.parent, out, audit))
        except DatasetError as err:
            unreadable.append(str(err))
            cards.append({"id": manifest.parent.name, "fault": str(err)})
    facts = {
        "name": dataset.resolve().name,
        "rerun": f"synthgen export {shlex.quote(str(dataset))} --format rerun",
        "cards": cards,
    }
    _write_script(out / "cards.js", "window.CATALOGUE", facts)
    for name in ("index.html", "catalogue.css", "catalogue.js"):
        write_durably(out / name, (files("synthgen.view") / "page" / name).read_bytes())
    return Catalogue(out / "index.html", len(cards) - len(unreadable), tuple(unreadable))


def _write_clip(folder: Path, out: Path, audit: ClipAudit) -> dict[str, Any]:
    clip = ClipReader(folder)
    target = out / "clips" / clip.clip_id
    try:
        card = clip_card(clip, audit)
        scene = clip_scene(clip, audit)
    except (KeyError, ValueError, TypeError, IndexError) as err:
        raise DatasetError(f"{folder}: the tables do not fit together: {err!r}") from err
    with output_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    for camera in scene["cameras"]:
        _write_images(clip, camera["name"], target)
    if scene["cameras"]:
        card["thumb"] = f"clips/{clip.clip_id}/thumb.jpg"
        _write_thumb(clip, scene["cameras"][0]["name"], target / "thumb.jpg")
    _write_script(target / "scene.js", f"window.SCENES[{json.dumps(clip.clip_id)}]", scene)
    return card


def _write_images(clip: ClipReader, camera: str, target: Path) -> None:
    for number, rgb in _images(clip, camera):
        path = target / f"{camera}-{number:05d}.jpg"
        if not path.exists():
            _write_jpeg(rgb, path, _WIDTH_PX)


def _write_thumb(clip: ClipReader, camera: str, path: Path) -> None:
    """The frame two thirds into the clip, where something happens."""
    wanted = 2 * len(clip.table("frames")) // 3
    for number, rgb in _images(clip, camera):
        if number == wanted and not path.exists():
            _write_jpeg(rgb, path, _THUMB_WIDTH_PX)


def _images(clip: ClipReader, camera: str) -> Iterator[tuple[int, np.ndarray]]:
    for number, _codec, content in clip.encoded_images(camera, "rgb"):
        yield number, image_codec.decode_rgb(content, f"{clip.folder} {camera} frame {number}")


def _write_jpeg(rgb: np.ndarray, path: Path, width: int) -> None:
    if rgb.shape[1] > width:
        height = round(rgb.shape[0] * width / rgb.shape[1])
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    done, content = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _QUALITY)
    assert done, "OpenCV encodes every 8-bit image"
    with output_errors(path):
        path.write_bytes(content.tobytes())


def _write_script(path: Path, name: str, document: Any) -> None:
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    # A script ends where the text says so, even within a string.
    safe = text.replace("</", "<\\/")
    write_durably(path, f"{name}={safe};\n".encode())
