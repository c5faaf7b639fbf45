"""Small OpenDRIVE texts written by hand, for tests whose numbers are known on paper."""

from __future__ import annotations

LINE = "<line/>"


def lane(lane_id: int, kind: str = "driving", width: float = 3.5, extra: str = "") -> str:
    """A lane of constant width; `extra` holds road marks and links."""
    return (
        f'<lane id="{lane_id}" type="{kind}" level="false">'
        f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>{extra}</lane>'
    )


def mark(kind: str, color: str = "white", width: float = 0.12) -> str:
    """A road mark from the start of the section."""
    return f'<roadMark sOffset="0" type="{kind}" color="{color}" width="{width}"/>'


def sections(left: str = "", right: str = lane(-1), center_mark: str = "", s: float = 0.0) -> str:
    """One lane section."""
    center = f'<center><lane id="0" type="none" level="false">{center_mark}</lane></center>'
    parts = [
        f"<left>{left}</left>" if left else "",
        center,
        f"<right>{right}</right>" if right else "",
    ]
    return f'<laneSection s="{s}">{"".join(parts)}</laneSection>'


def road(
    length: float = 100.0,
    *,
    road_id: int = 1,
    shape: str = LINE,
    x: float = 0.0,
    y: float = 0.0,
    heading: float = 0.0,
    lanes: str | None = None,
    elevation: str = "",
    superelevation: str = "",
    junction: int = -1,
    link: str = "",
    inside: str = "",
) -> str:
    """A road of one geometry."""
    return (
        f'<road name="r{road_id}" length="{length}" id="{road_id}" junction="{junction}">'
        f"<link>{link}</link><planView>"
        f'<geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="{length}">{shape}</geometry>'
        f"</planView><elevationProfile>{elevation}</elevationProfile>"
        f"<lateralProfile>{superelevation}</lateralProfile>"
        f"<lanes>{sections() if lanes is None else lanes}</lanes>{inside}</road>"
    )


def opendrive(*roads: str, rest: str = "") -> str:
    """A whole file."""
    header = '<header revMajor="1" revMinor="4" name="tiny"/>'
    return f"<OpenDRIVE>{header}{''.join(roads)}{rest}</OpenDRIVE>"


TWO_WAY_WITH_WALKS = sections(
    left=lane(2, "sidewalk", 2.0) + lane(1),
    right=lane(-1) + lane(-2, "sidewalk", 2.0),
)
