"""Parsed notes -> what to train on and what to hold out."""

import hashlib
from typing import Final

from core.corpus.families import find_families
from core.model.notes import Notes

LARGEST_FAMILY: Final = 0.15  # share of what is held out


def split(notes: Notes, validation_share: float, seed: int) -> tuple[list[int], list[int]]:
    """Choose by piece what to train on and what to hold out; return indices of both, in order.

    Versions of one piece stay together, so that what is held out was not trained on under another title; of what is
    held out no family makes up more than LARGEST_FAMILY, or it would stand for that one tune. The choice depends on the
    texts and the seed; one piece more moves few others.
    """
    pieces, families = notes.pieces, dict[int, list[int]]()
    for place, family in enumerate(find_families((entry.text for entry in pieces), notes.anchor)):
        families.setdefault(family, []).append(place)
    ranks = {
        family: hashlib.sha256(f"{seed}\0{min(pieces[place].text for place in places)}".encode()).digest()
        for family, places in families.items()
    }
    wanted = max(round(validation_share * len(pieces)), 1)
    largest = max(min(map(len, families.values()), default=1), int(LARGEST_FAMILY * wanted))
    held_out: list[int] = []
    for family in sorted(families, key=ranks.__getitem__):
        size = len(families[family])
        if size <= largest and len(held_out) < wanted and len(held_out) + size < len(pieces):
            held_out += families[family]
    return sorted(set(range(len(pieces))) - set(held_out)), sorted(held_out)
