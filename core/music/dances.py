"""Dances: which one a tune is for, and how fast it goes."""

from itertools import pairwise
from statistics import median
from typing import Final, Literal

from core.music.score import Score

Dance = Literal["reel", "hornpipe", "triple hornpipe", "jig", "slip jig", "waltz"]

MOST_NOTES: Final = 8.0  # a second, that a fiddler's bow follows with ease

_ONE_LINE: Final = 1.5  # notes an event at most, in the mean, of a tune
_SLOWEST: Final = 0.8  # notes a quarter from which on a tune is for dancing, and no air
_DOTTED: Final = 0.2  # share of notes that are three times as long as the next, in what is written dotted
_PACES: Final[dict[Dance | None, float]] = {  # of a model's tempo, which is a reel's; as they are played for dancers
    "reel": 1.0,
    "hornpipe": 0.85,
    "triple hornpipe": 1.0,
    "jig": 0.95,
    "slip jig": 0.9,
    "waltz": 0.75,
    None: 1.0,
}


def dance(score: Score) -> Dance | None:
    """Name the dance that a piece is for by its metre and rhythm; None for an air, and for what is no tune.

    Of what is in two or four, a hornpipe is told from a reel, as marches and polkas count here, by the three equal
    notes, twice as long as most, on which its sections end; the old one in 3/2 does not swing.
    """
    if not is_tune(score) or len(score.events) / float(score.length * score.unit) < _SLOWEST:
        return None
    if score.metre.is_compound:
        return "slip jig" if score.metre.beats == 3 else "jig"
    if score.metre.beats % 3 == 0:
        return "waltz" if score.metre.denominator > 2 else "triple hornpipe"
    return "hornpipe" if _ends_as_hornpipes(score) else "reel"


def is_tune(score: Score) -> bool:
    """Tell whether a piece is one line, but for a few double stops."""
    return bool(score.events) and sum(len(event.pitches) for event in score.events) <= _ONE_LINE * len(score.events)


def is_dotted(score: Score) -> bool:
    """Tell whether a piece has its long and short notes written out."""
    gaps = _gaps(score)
    pairs = sum(first == 3 * second for first, second in pairwise(gaps))
    return pairs >= _DOTTED * len(gaps) / 2


def step(score: Score) -> int:
    """Return what most notes of a tune last, in units: an eighth in most, a sixteenth where those are written."""
    gaps = _gaps(score)
    return max(1, int(median(gaps))) if gaps else 1


def paced(score: Score, tempo: float) -> float:
    """Return how fast a piece is played by a model of some tempo, in quarters a minute.

    A dance goes as it is danced, and no bar but one in ten passes MOST_NOTES a second.
    """
    bar, counts = score.units_per_bar, dict[int, int]()
    for event in score.events:
        counts[event.onset // bar] = counts.get(event.onset // bar, 0) + 1
    if not counts:
        return tempo
    full = sorted(counts.values())[int(0.9 * (len(counts) - 1))]
    fastest = MOST_NOTES * 60 * float(score.metre.bar) / full
    return float(round(min(tempo * _PACES[dance(score)], fastest)))


def _gaps(score: Score) -> list[int]:
    onsets = [event.onset for event in score.events]
    return [end - start for start, end in pairwise(onsets)]


def _ends_as_hornpipes(score: Score) -> bool:
    onsets = [event.onset for event in score.events]
    if len(onsets) < 16:
        return False
    long = 2 * step(score)
    first, second, third = onsets[-3:]
    half = int(score.metre.pulses[1] / score.unit) or 1
    return second - first == third - second == long and score.length - third >= long and first % half == 0
