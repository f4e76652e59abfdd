"""Ensembles: who plays a piece, where they sit, and what they add to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from core.errors import RequestError
from core.model.bundle import Params

Attack = Literal["keys", "strings", "breath", "plucked"]
Backing = Literal["guitar", "basses", "bodhran"]

DRUMS: Final = 9  # the channel of General MIDI's percussion, counted from 0


@dataclass(frozen=True, slots=True)
class Player:
    """Name one who plays: a General MIDI `program`, counted from 0; `pan` from the left, 0, to the right, 127.

    `level` is how much louder than written this one plays, in decibels: FluidR3's instruments are levelled by it.
    `attack` says how the hands or the breath begin a note.
    """

    name: str
    program: int
    pan: int = 64
    level: float = 0.0
    attack: Attack = "breath"


@dataclass(frozen=True, slots=True)
class Doubling:
    """Name one who plays along with a voice, -1 the lowest, so many semitones higher."""

    player: Player
    voice: int
    semitones: int = 0


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Name who plays together.

    The `players` have the voices of a piece, the highest first; where there is one, all voices are that one's.
    `doublings` play along, and `backing` is what is played from the chords, each with who plays it.
    """

    name: str
    players: tuple[Player, ...]
    doublings: tuple[Doubling, ...] = ()
    backing: tuple[tuple[Backing, Player], ...] = ()

    @property
    def is_solo(self) -> bool:
        """Tell whether one instrument plays all voices."""
        return len(self.players) == 1


INSTRUMENTS: Final[Mapping[str, int]] = MappingProxyType(  # General MIDI programs, counted from 0
    {
        "piano": 0,
        "electric piano": 4,
        "harpsichord": 6,
        "celesta": 8,
        "music box": 10,
        "vibraphone": 11,
        "marimba": 12,
        "dulcimer": 15,
        "organ": 19,
        "accordion": 21,
        "guitar": 24,
        "steel guitar": 25,
        "violin": 40,
        "cello": 42,
        "harp": 46,
        "strings": 48,
        "trumpet": 56,
        "brass": 61,
        "oboe": 68,
        "clarinet": 71,
        "flute": 73,
        "recorder": 74,
        "ocarina": 79,
        "fiddle": 110,
    }
)

_KEYS: Final = frozenset(("piano", "electric piano", "harpsichord", "celesta", "music box", "vibraphone", "marimba"))
_PLUCKED: Final = frozenset(("guitar", "steel guitar", "harp", "dulcimer"))
_BOWED: Final = frozenset(("violin", "cello", "strings", "fiddle"))

_GUITAR: Final = Player("Guitar", 25, 88, -7.0, "plucked")
_BASS: Final = Player("Bass", 32, 54, -3.0, "plucked")

ENSEMBLES: Final[Mapping[str, Ensemble]] = MappingProxyType(
    {
        ensemble.name: ensemble
        for ensemble in (
            Ensemble(
                "choir",
                (
                    Player("Soprano", 52, 34),
                    Player("Alto", 52, 54, 1.0),
                    Player("Tenor", 52, 76, 2.0),
                    Player("Bass", 52, 96, 0.5),
                ),
            ),
            Ensemble(
                "string quartet",
                (
                    Player("Violin 1", 40, 32, 0.0, "strings"),
                    Player("Violin 2", 40, 50, -0.5, "strings"),
                    Player("Viola", 41, 78, 0.5, "strings"),
                    Player("Cello", 42, 98, 3.0, "strings"),
                ),
            ),
            Ensemble(
                "brass quartet",
                (
                    Player("Trumpet", 56, 40, 0.0),
                    Player("Horn", 60, 56, -1.5),
                    Player("Trombone", 57, 76, -3.5),
                    Player("Tuba", 58, 92, -1.5),
                ),
            ),
            Ensemble(
                "recorders",
                (
                    Player("Soprano recorder", 74, 36),
                    Player("Alto recorder", 74, 54),
                    Player("Tenor recorder", 74, 74),
                    Player("Bass recorder", 74, 92, 1.0),
                ),
            ),
            Ensemble(
                "organ with pedal",
                (
                    Player("Manual 1", 19, 52),
                    Player("Manual 2", 19, 60),
                    Player("Manual 3", 19, 68),
                    Player("Pedal", 19, 76),
                ),
                doublings=(Doubling(Player("Pedal 16'", 19, 64, -2.0), -1, -12),),
            ),
            Ensemble(
                "fiddle and guitar",
                (Player("Fiddle", 110, 50, 0.0, "strings"),),
                backing=(("guitar", _GUITAR), ("basses", _BASS)),
            ),
            Ensemble(
                "ceili band",
                (Player("Fiddle", 110, 46, 0.0, "strings"),),
                doublings=(
                    Doubling(Player("Flute", 73, 30, -2.0), 0),
                    Doubling(Player("Accordion", 21, 92, 2.0), 0),
                ),
                backing=(
                    ("guitar", Player("Accordion's chords", 21, 98, -5.0)),
                    ("basses", _BASS),
                    ("bodhran", Player("Bodhran", 0, 72, 2.0)),
                ),
            ),
        )
    }
)

PLAIN: Final = "piano"  # where nothing is known of the music
NAMES: Final = (*ENSEMBLES, *INSTRUMENTS)

_TUNES: Final = 1.5  # notes an event at most, in the mean, of pieces that are tunes
_CHORALES: Final = (2.2, 4.5)  # and from, to of those for four voices


def ensemble(name: str) -> Ensemble:
    """Return an ensemble, or one of a single instrument, by its name. Raises RequestError."""
    if name in ENSEMBLES:
        return ENSEMBLES[name]
    if name in INSTRUMENTS:
        return Ensemble(name, (Player(name.capitalize(), INSTRUMENTS[name], attack=_attack(name)),))
    raise RequestError(
        "There is no instrument or ensemble called {name!r}. Choose one of: {known}.",
        name=name[:40],
        known=", ".join(NAMES),
    )


def usual(params: Params) -> str:
    """Name who plays the pieces of a model where nobody chooses, by how many notes its music has at a time.

    Tunes are for fiddle and guitar, what has three or four voices within a choir's range is for one, and the rest,
    like the pieces of a model that does not know its music, for a piano.
    """
    critic = params.habits.get("critic", {})
    names, rows = critic.get("names", ()), critic.get("figures", ())
    wanted = ("notes an event", "lowest note", "highest note")
    if not rows or not set(wanted) <= set(names):
        return PLAIN
    places = [names.index(name) for name in wanted]
    table = sorted(tuple(float(str(row).split()[place]) for place in places) for row in rows)
    density, lowest, highest = (sorted(column)[len(table) // 2] for column in zip(*table, strict=True))
    if density <= _TUNES:
        return "fiddle and guitar"
    if _CHORALES[0] <= density <= _CHORALES[1] and lowest >= 36 and highest <= 84:
        return "choir"
    return PLAIN


def _attack(name: str) -> Attack:
    return "keys" if name in _KEYS else "plucked" if name in _PLUCKED else "strings" if name in _BOWED else "breath"
