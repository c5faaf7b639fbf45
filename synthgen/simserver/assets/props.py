"""Every `static.prop.*` blueprint: which builder makes it, stretched to its box."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from synthgen.simserver.assets import props_garden as garden
from synthgen.simserver.assets import props_pavement as pavement
from synthgen.simserver.assets import props_personal as personal
from synthgen.simserver.assets import props_road as road
from synthgen.simserver.assets.extents import size_table
from synthgen.simserver.assets.shapes import Shape

Builder = Callable[[tuple[float, float, float], np.random.Generator], Shape]

PREFIX = "static.prop."
# Plants come from the foliage module.
PLANT_PROPS: Mapping[str, str] = {
    "aporosatree": "broadleaf_wide",
    "coconutpalm": "palm_wide",
    "cypresstree": "cypress",
}
BUILDERS: Mapping[str, Builder] = {
    "advertisement": pavement.poster_case,
    "atm": pavement.cash_machine,
    "ball": personal.ball,
    "barbeque": garden.barbecue,
    "barrel": road.barrel,
    "bench01": road.long_bench,
    "bench02": road.flat_bench,
    "bench03": road.flat_bench,
    "bike helmet": personal.helmet,
    "bin": road.wheelie_bin,
    "box01": road.carton,
    "box02": road.carton,
    "box03": road.carton,
    "briefcase": personal.case,
    **{f"brokentile0{k}": road.tile_shard for k in range(1, 5)},
    "busstop": pavement.shelter_along_x,
    "busstoplb": pavement.shelter_along_y,
    "calibrator": road.calibrator,
    "chainbarrier": pavement.chain_barrier,
    "chainbarrierend": pavement.bollard,
    "clothcontainer": road.cloth_bank,
    "clothesline": garden.clothes_line,
    "colacan": road.can,
    "constructioncone": road.cone,
    "container": road.skip_container,
    **{f"creasedbox0{k}": road.flat_carton for k in range(1, 4)},
    **{f"dirtdebris0{k}": road.debris for k in range(1, 4)},
    "doghouse": garden.dog_house,
    "foodcart": pavement.food_cart,
    "fountain": pavement.fountain,
    "garbage01": road.crushed_can,
    "garbage02": road.crown_cap,
    "garbage03": road.crushed_can,
    "garbage04": road.crushed_can,
    "garbage05": road.paper_tray,
    "garbage06": road.bottle,
    "gardenlamp": garden.garden_lamp,
    "glasscontainer": road.bottle_bank,
    "gnome": garden.gnome,
    "guitarcase": personal.guitar_case,
    "haybale": garden.hay_bale,
    "haybalelb": garden.hay_bale,
    "ironplank": road.plank,
    "kiosk_01": pavement.kiosk,
    "mailbox": pavement.post_box,
    "maptable": pavement.map_table,
    "mesh": road.crate,
    "mobile": personal.phone,
    "motorhelmet": personal.full_helmet,
    "pergola": garden.pergola,
    "plantpot01": garden.flower_box,
    "plantpot02": garden.flower_box,
    "plantpot03": garden.flower_box,
    "plantpot04": garden.flower_bed,
    "plantpot05": garden.pot,
    "plantpot06": garden.tree_tub,
    "plantpot07": garden.pot,
    "plantpot08": garden.pot,
    "plasticbag": personal.carrier_bag,
    "plasticchair": garden.chair,
    "plastictable": garden.parasol_table,
    "platformgarbage01": road.litter_patch,
    "purse": personal.handbag,
    "shop01": pavement.shop,
    "shoppingbag": personal.carrier_bag,
    "shoppingcart": personal.shopping_cart,
    "shoppingtrolley": personal.shopping_trolley,
    "slide": garden.slide,
    "streetbarrier": road.striped_barrier,
    "streetfountain": pavement.drinking_fountain,
    "streetsign": pavement.street_name,
    "streetsign01": pavement.street_name,
    "streetsign04": pavement.street_name,
    "swing": garden.swing,
    "swingcouch": garden.swing_couch,
    "table": garden.picnic_table,
    "trafficcone01": road.cone,
    "trafficcone02": road.post_cone,
    "trafficwarning": road.arrow_trailer,
    "trampoline": garden.trampoline,
    "trashbag": road.refuse_sack,
    "trashcan01": road.round_bin,
    "trashcan02": road.square_bin,
    "trashcan03": road.open_bin,
    "trashcan04": road.wheelie_bin,
    "trashcan05": road.square_bin,
    "travelcase": personal.suitcase,
    "vendingmachine": pavement.vending_machine,
    "warningaccident": road.accident_board,
    "warningconstruction": road.warning_triangle_board,
    "wateringcan": garden.watering_can,
}


def build_prop(key: str, variant: int) -> Shape:
    """The shape of a prop, its bounding box exactly that of the table, standing on z = 0.

    Raises:
        KeyError: no such prop.
    """
    name = key.removeprefix(PREFIX)
    length, width, height = size_table()[key].size_lwh_m
    seed = [0x9205, sorted(BUILDERS).index(name), variant]
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    shape = BUILDERS[name]((length, width, height), rng)
    low = (-length / 2, -width / 2, 0.0)
    return shape.fitted(low, (length / 2, width / 2, height))
