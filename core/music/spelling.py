"""Spelling: what a pitch is called in a key, and the signature of that key."""

from dataclasses import dataclass
from typing import Final, Literal

STEPS: Final = "FCGDAEB"  # in the order in which sharps are added

_SIGNS: Final = {-2: "𝄫", -1: "♭", 0: "", 1: "♯", 2: "𝄪"}


@dataclass(frozen=True, slots=True)
class Tonality:
    """Name a key by the sharps of its signature, negative for flats, and its mode."""

    sharps: int
    mode: Literal["major", "minor"]


@dataclass(frozen=True, slots=True)
class Head:
    """Spell a pitch: step, alteration in semitones, octave, and whether an accidental stands before it."""

    step: str
    alteration: int
    octave: int
    accidental: bool = False

    @property
    def name(self) -> str:
        """Return the name without its octave, as B♭."""
        return self.step + _SIGNS[self.alteration]


def tonality(key: str) -> Tonality:
    """Return the tonality of a key as `key_of` names it; C major for none."""
    if not key:
        return Tonality(0, "major")
    tonic, mode = key.split()
    fifths = STEPS.index(tonic[0]) - 1 + 7 * (tonic.count("♯") - tonic.count("♭"))
    return Tonality(fifths - 3, "minor") if mode == "minor" else Tonality(fifths, "major")


def spell(pitch: int, tonality: Tonality) -> Head:
    """Spell a MIDI pitch in a key.

    The twelve names of a key are neighbours on the line of fifths: from the lowered third to the raised fifth in major
    (E flat to G sharp in C), from the lowered second to the raised fourth in minor (B flat to D sharp in A).
    """
    lowest = tonality.sharps - (3 if tonality.mode == "major" else 2)  # 0 is C, 1 is G
    fifth = lowest + (pitch * 7 - lowest) % 12
    alteration = (fifth + 1) // 7
    return Head(STEPS[(fifth + 1) % 7], alteration, (pitch - alteration) // 12 - 1)
