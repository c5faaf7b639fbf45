"""How a walker is built and dressed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure is built and dressed.

    Paints: 0 upper garment, 1 lower garment, 2 shoes, 3 bag or trim, 4 grey hair or hat,
    5 what is worn under an open jacket, and stripes, 6 soles.

    Attributes:
        stature_m: Sole to crown.
        girth: Breadth of trunk and limbs, 1 for an average man.
        female: Narrower shoulders and waist, wider hips.
        child: Larger head, shorter limbs' girth.
        top: `shirt`, `sweater`, `hoodie`, `jacket`, `coat`, `vest` (high visibility) or `tee`
            (bare arms).
        bottom: `trousers`, `shorts`, `skirt` or `dress`.
        hair: `short`, `crew`, `curly`, `long`, `bob`, `bun`, `tail`, `bald`, or what covers it:
            `cap`, `hat`, `beanie`, `scarf`, `helmet` or `fullface`.
        grey: Hair in paint 4 instead of the hair material.
        beard: `none`, `full` or `moustache`.
        glasses: Wears spectacles.
        striped: The top has stripes of paint 5.
        shoes: `trainers` (with a pale sole), `shoes` or `boots`.
        bag: `none`, `backpack` or `shoulder`.
        seed: Of folds and locks.
        coarse: Built of about half the triangles: riders, of whom half is machine.
    """

    stature_m: float
    girth: float = 1.0
    female: bool = False
    child: bool = False
    top: str = "shirt"
    bottom: str = "trousers"
    hair: str = "short"
    grey: bool = False
    beard: str = "none"
    glasses: bool = False
    striped: bool = False
    shoes: str = "shoes"
    bag: str = "none"
    seed: int = 0
    coarse: bool = False

    def facets(self, count: int) -> int:
        """Facets or rings where a fine figure has `count`."""
        return max(3, round(0.6 * count)) if self.coarse else count
