"""An OpenDRIVE town for driving tests: one level, straight road of two kilometres along x."""

LENGTH_M = 2000.0
LANE_M = 3.5

_LANE = """<lane id="{id}" type="{kind}" level="false">
<width sOffset="0" a="{width}" b="0" c="0" d="0"/>
<roadMark sOffset="0" type="solid" color="white" width="0.12" laneChange="both"/></lane>"""


def opendrive_text(signals: str = "") -> str:
    """The road: two lanes each way and a sidewalk on both sides; y of the centre line is 0.

    Sidewalks are from 7 m to 10 m beside it; `signals` are the records of lights and signs.
    """
    left = "".join(
        _LANE.format(id=number, kind=kind, width=width)
        for number, kind, width in ((3, "sidewalk", 3.0), (2, "driving", 3.5), (1, "driving", 3.5))
    )
    right = "".join(
        _LANE.format(id=-number, kind=kind, width=width)
        for number, kind, width in ((1, "driving", 3.5), (2, "driving", 3.5), (3, "sidewalk", 3.0))
    )
    return f"""<?xml version="1.0" standalone="yes"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="straight" version="1" north="100" south="-100"
 east="{LENGTH_M}" west="0"><geoReference><![CDATA[+proj=tmerc +lat_0=0 +lon_0=0]]></geoReference>
</header>
<road name="straight" length="{LENGTH_M}" id="1" junction="-1"><link/>
<type s="0" type="town"><speed max="50" unit="km/h"/></type>
<planView><geometry s="0" x="0" y="0" hdg="0" length="{LENGTH_M}"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="0" b="0" c="0" d="0"/></elevationProfile>
<lateralProfile/>
<lanes><laneOffset s="0" a="0" b="0" c="0" d="0"/><laneSection s="0">
<left>{left}</left>
<center><lane id="0" type="none" level="false">
<roadMark sOffset="0" type="broken" color="yellow" width="0.12" laneChange="both"/></lane></center>
<right>{right}</right>
</laneSection></lanes><objects/><signals>{signals}</signals></road></OpenDRIVE>
"""
