"""Spelling: what a pitch is called in a key, and the signature of that key."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Literal

STEPS: Final = "FCGDAEB"  # in the order in which sharps are added

_LETTERS: Final = "CDEFGAB"
NATURALS: Final = dict(zip(_LETTERS, (0, 2, 4, 5, 7, 9, 11), strict=True))
_CROSSING: Final = 1000  # what it costs that the higher of two notes of a chord stands below the lower
_COLLISION: Final = 10  # and that they stand on one line
_OTHER: Final = 1  # and that a note outside the key is not called as it is in the key
_OTHER_OF_THE_KEY: Final = 2  # and one of the key
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

    @property
    def line(self) -> int:
        """Count the lines and spaces from C0 to where it stands."""
        return 7 * self.octave + _LETTERS.index(self.step)


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


def together(pitches: Collection[int], key: Tonality, given: Mapping[int, Head]) -> dict[int, Head]:
    """Spell pitches that begin together, no two of them on one line of the staff if that can be.

    What is tied to notes before is `given`. So an F beside an F sharp may become an E sharp, or the other a G flat.
    """
    ways: list[tuple[float, tuple[Head, ...]]] = [(0.0, ())]
    for pitch in sorted(set(pitches)):
        own = given.get(pitch) or spell(pitch, key)
        names = (own,) if pitch in given else (own, *_others(pitch, own))
        price = _OTHER_OF_THE_KEY if own.alteration == altered(own.step, key) else _OTHER
        ways = [min((_named(way, head, price * (head != own)) for way in ways), key=itemgetter(0)) for head in names]
    _, heads = min(ways, key=itemgetter(0))
    return dict(zip(sorted(set(pitches)), heads, strict=True))


def _named(way: tuple[float, tuple[Head, ...]], head: Head, price: float) -> tuple[float, tuple[Head, ...]]:
    """Put the next higher note's name behind those of a chord."""
    cost, heads = way
    step = head.line - heads[-1].line if heads else 1
    return cost + price + (_CROSSING if step < 0 else _COLLISION if step == 0 else 0), (*heads, head)


def altered(step: str, key: Tonality) -> int:
    """Return by how many semitones the signature of a key alters a step."""
    return (key.sharps - STEPS.index(step) + 6) // 7


def _others(pitch: int, own: Head) -> Iterator[Head]:
    """Yield the other names of a pitch that need no double accidental."""
    for step in _LETTERS:
        for alteration in (-1, 0, 1):
            if (pitch - alteration) % 12 == NATURALS[step]:
                head = Head(step, alteration, (pitch - alteration) // 12 - 1)
                if head != own:
                    yield head
