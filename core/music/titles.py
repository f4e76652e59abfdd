"""Titles: what a piece is called, from what it is and from words of ours.

Its form, metre and texture say that it is a jig, a waltz or a chorale, and its key is named. The word before or behind
that is one that suits its mode and its pace; which of them, its own notes decide, so that the same music has the same
title wherever it is met, and in another key but the key's name is another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from string import capwords
from typing import Final, Literal

from core.errors import Message, mark
from core.music import dances
from core.music.keys import key_of
from core.music.parts import is_choral
from core.music.score import Score
from core.music.tempo import DEFAULT_TEMPO

Pace = Literal["slow", "moderate", "fast"]
Mood = Literal["major", "minor"]

GENDERS: Final = ("m", "f", "n")  # of nouns, in languages whose words agree with them

_MODERATE: Final = 1.7  # events a second, from which on a piece is not slow
_FAST: Final = 3.6
_BUSY: Final = 1.4  # notes a quarter of a reel, at least; what has fewer is for singing
_FEW_CAPITALS: Final = 4  # letters of a title that may be an abbreviation
_FRAGMENT: Final = 2  # bars that a fragment does not have
_SMALL: Final = 4


@dataclass(frozen=True, slots=True)
class _Form:
    """Name a kind of piece: by itself, and with a word that says what it is like, or when or where it belongs."""

    plain: Message
    like: Message  # with {quality}
    of: Message  # with {scene}
    sacred: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    """Hold a word and what it suits: paces, moods, and pieces for the `church`, the `world` or `anywhere`."""

    said: Message
    paces: frozenset[str]
    moods: frozenset[str]
    where: str


def title(piece: Score, tempo: float = DEFAULT_TEMPO) -> Message:
    """Name a piece that is played at a tempo in quarters a minute, as in "Evening Chorale in F"."""
    if not piece.events:
        return mark("Silence")
    if len(piece.events) == 1:
        return mark("A Single Chord") if len(piece.events[0].pitches) > 1 else mark("A Single Note")
    seed, key = _seed(piece), key_of(piece)
    mood: Mood = "minor" if key.endswith("minor") else "major"
    pace = _pace(piece, tempo)
    name = _name(seed, _form(seed, piece, pace), pace, mood)
    if mood == "minor":
        return mark("{name} in {key}", name=name, key=Message(key))
    return mark("{name} in {tonic}", name=name, tonic=_MAJOR_KEYS[key])


def readable(title: str) -> str:
    """Write the title of somebody's piece as one reads it, not as a collection sorts it.

    "WATCHMAKER, THE -- REEL." is The Watchmaker (reel).
    """
    name, _, kind = title.replace('"', "").strip(" .").partition(" -- ")
    if name.isupper() and len(name) > _FEW_CAPITALS:
        name = capwords(name)
    if name.endswith((", The", ", A", ", An")):
        name, _, article = name.rpartition(", ")
        name = f"{article} {name}"
    return f"{name} ({kind.lower()})" if kind else name


def words() -> Iterable[str]:
    """Return the qualities in the three genders, as other languages need them, and as no source names them."""
    return (f"{word.said.template} ({gender})" for word in _QUALITIES for gender in GENDERS)


def _seed(piece: Score) -> bytes:
    """Sum up the notes of a piece, whatever its key and the notation that it was written in."""
    first = piece.events[0]
    notes = [
        (str((event.onset - first.onset) * piece.unit), *(pitch - first.pitches[-1] for pitch in event.pitches))
        for event in piece.events
    ]
    return sha256(repr(notes).encode()).digest()


def _pace(piece: Score, tempo: float) -> Pace:
    seconds = float((piece.length - piece.events[0].onset) * piece.unit) * 60 / tempo
    rate = len(piece.events) / seconds
    return "slow" if rate < _MODERATE else "fast" if rate >= _FAST else "moderate"


def _form(seed: bytes, piece: Score, pace: Pace) -> _Form:
    if piece.bars < _FRAGMENT:
        return _FRAGMENTS[0]
    if piece.bars < _SMALL:
        return _one_of(seed, _FRAGMENTS[1:])
    if dances.is_tune(piece):
        return _tune(seed, piece, pace)
    triple = piece.metre.beats % 3 == 0
    if is_choral(piece):
        return _HYMN if triple else _CHORALE
    metre = "compound" if piece.metre.is_compound else "triple" if triple else "duple"
    return _one_of(seed, _PIECES[metre, pace])


def _tune(seed: bytes, piece: Score, pace: Pace) -> _Form:
    dance = dances.dance(piece)
    if dance == "reel" and dances.is_dotted(piece):
        return _MARCH
    if dance == "reel" and len(piece.events) < _BUSY * float(piece.length * piece.unit):
        dance = None
    if dance is not None:
        return _DANCES[dance]
    if pace == "slow" and (piece.metre.is_compound or piece.metre.beats % 3 == 0):
        return _LULLABY
    return _one_of(seed, _AIRS if pace == "slow" else _SONGS)


def _name(seed: bytes, form: _Form, pace: Pace, mood: Mood) -> Message:
    """Give a form a word that suits it: before it one of quality or of a scene, or behind it a place."""
    kind = int.from_bytes(seed[:2], "big") % 20
    if kind < _LIKE:
        quality = _fitting(seed, _QUALITIES, form, pace, mood).template
        agreeing = {f"quality_{gender}": Message(f"{quality} ({gender})") for gender in GENDERS}
        return Message(form.like.template, {"quality": quality, **agreeing})
    if kind < _OF:
        return Message(form.of.template, {"scene": _fitting(seed, _SCENES, form, pace, mood)})
    return mark("{form} {place}", form=form.plain, place=_fitting(seed, _PLACES, form, pace, mood))


def _fitting(seed: bytes, words: Sequence[_Word], form: _Form, pace: Pace, mood: Mood) -> Message:
    here = ("anywhere", "church" if form.sacred else "world")
    fitting = [word for word in words if pace in word.paces and mood in word.moods and word.where in here]
    return max(fitting, key=lambda word: _drawn(seed, word.said.template)).said


def _one_of(seed: bytes, forms: Sequence[_Form]) -> _Form:
    return max(forms, key=lambda form: _drawn(seed, form.plain.template))


def _drawn(seed: bytes, word: str) -> bytes:
    """Draw a lot for a word, so that a word that is taken from the list changes only the titles that it was in."""
    return sha256(seed + word.encode()).digest()


_LIKE: Final = 8  # twentieths of pieces with a word of quality, and so on
_OF: Final = 15

_MAJOR_KEYS: Final = {
    "C major": mark("C"),
    "D♭ major": mark("D♭"),
    "D major": mark("D"),
    "E♭ major": mark("E♭"),
    "E major": mark("E"),
    "F major": mark("F"),
    "F♯ major": mark("F♯"),
    "G major": mark("G"),
    "A♭ major": mark("A♭"),
    "A major": mark("A"),
    "B♭ major": mark("B♭"),
    "B major": mark("B"),
}

_CHORALE: Final = _Form(mark("Chorale"), mark("{quality} Chorale"), mark("{scene} Chorale"), sacred=True)
_HYMN: Final = _Form(mark("Hymn"), mark("{quality} Hymn"), mark("{scene} Hymn"), sacred=True)
_MARCH: Final = _Form(mark("March"), mark("{quality} March"), mark("{scene} March"))
_LULLABY: Final = _Form(mark("Lullaby"), mark("{quality} Lullaby"), mark("{scene} Lullaby"))
_HORNPIPE: Final = _Form(mark("Hornpipe"), mark("{quality} Hornpipe"), mark("{scene} Hornpipe"))
_DANCES: Final[dict[dances.Dance, _Form]] = {
    "reel": _Form(mark("Reel"), mark("{quality} Reel"), mark("{scene} Reel")),
    "hornpipe": _HORNPIPE,
    "triple hornpipe": _HORNPIPE,
    "jig": _Form(mark("Jig"), mark("{quality} Jig"), mark("{scene} Jig")),
    "slip jig": _Form(mark("Slip Jig"), mark("{quality} Slip Jig"), mark("{scene} Slip Jig")),
    "waltz": _Form(mark("Waltz"), mark("{quality} Waltz"), mark("{scene} Waltz")),
}
_AIR: Final = _Form(mark("Air"), mark("{quality} Air"), mark("{scene} Air"))
_SONG: Final = _Form(mark("Song"), mark("{quality} Song"), mark("{scene} Song"))
_MELODY: Final = _Form(mark("Melody"), mark("{quality} Melody"), mark("{scene} Melody"))
_AIRS: Final = (_AIR, _SONG)
_SONGS: Final = (_SONG, _MELODY)
_FRAGMENTS: Final = (
    _Form(mark("Fragment"), mark("{quality} Fragment"), mark("{scene} Fragment")),
    _Form(mark("Miniature"), mark("{quality} Miniature"), mark("{scene} Miniature")),
    _Form(mark("Sketch"), mark("{quality} Sketch"), mark("{scene} Sketch")),
)
_PRELUDE: Final = _Form(mark("Prelude"), mark("{quality} Prelude"), mark("{scene} Prelude"))
_ROMANCE: Final = _Form(mark("Romance"), mark("{quality} Romance"), mark("{scene} Romance"))
_INTERMEZZO: Final = _Form(mark("Intermezzo"), mark("{quality} Intermezzo"), mark("{scene} Intermezzo"))
_BAGATELLE: Final = _Form(mark("Bagatelle"), mark("{quality} Bagatelle"), mark("{scene} Bagatelle"))
_STUDY: Final = _Form(mark("Study"), mark("{quality} Study"), mark("{scene} Study"))
_TOCCATA: Final = _Form(mark("Toccata"), mark("{quality} Toccata"), mark("{scene} Toccata"))
_MINUET: Final = _Form(mark("Minuet"), mark("{quality} Minuet"), mark("{scene} Minuet"))
_SARABANDE: Final = _Form(mark("Sarabande"), mark("{quality} Sarabande"), mark("{scene} Sarabande"))
_SCHERZO: Final = _Form(mark("Scherzo"), mark("{quality} Scherzo"), mark("{scene} Scherzo"))
_BARCAROLLE: Final = _Form(mark("Barcarolle"), mark("{quality} Barcarolle"), mark("{scene} Barcarolle"))
_PASTORALE: Final = _Form(mark("Pastorale"), mark("{quality} Pastorale"), mark("{scene} Pastorale"))
_GIGUE: Final = _Form(mark("Gigue"), mark("{quality} Gigue"), mark("{scene} Gigue"))
_PIECES: Final[dict[tuple[str, Pace], tuple[_Form, ...]]] = {  # for a keyboard, by metre and pace
    ("duple", "slow"): (_ROMANCE, _PRELUDE),
    ("duple", "moderate"): (_PRELUDE, _INTERMEZZO, _BAGATELLE),
    ("duple", "fast"): (_STUDY, _TOCCATA, _BAGATELLE),
    ("triple", "slow"): (_SARABANDE, _PRELUDE),
    ("triple", "moderate"): (_MINUET, _DANCES["waltz"]),
    ("triple", "fast"): (_SCHERZO, _DANCES["waltz"]),
    ("compound", "slow"): (_BARCAROLLE, _LULLABY),
    ("compound", "moderate"): (_PASTORALE, _BARCAROLLE),
    ("compound", "fast"): (_GIGUE,),
}

_ANY: Final = frozenset({"slow", "moderate", "fast"})
_SLOW: Final = frozenset({"slow"})
_SLOWER: Final = frozenset({"slow", "moderate"})
_FASTER: Final = frozenset({"moderate", "fast"})
_FASTEST: Final = frozenset({"fast"})
_BOTH: Final = frozenset({"major", "minor"})
_MAJOR: Final = frozenset({"major"})
_MINOR: Final = frozenset({"minor"})

_QUALITIES: Final = tuple(
    _Word(Message(word), paces, moods, where)
    for word, paces, moods, where in (
        ("Slow", _SLOW, _BOTH, "world"),
        ("Quiet", _SLOWER, _BOTH, "anywhere"),
        ("Gentle", _SLOWER, _MAJOR, "anywhere"),
        ("Tender", _SLOWER, _BOTH, "anywhere"),
        ("Calm", _SLOW, _MAJOR, "anywhere"),
        ("Simple", _ANY, _BOTH, "anywhere"),
        ("Solemn", _SLOWER, _BOTH, "church"),
        ("Devout", _SLOWER, _BOTH, "church"),
        ("Joyful", _ANY, _MAJOR, "church"),
        ("Clear", _ANY, _MAJOR, "church"),
        ("Hopeful", _ANY, _MAJOR, "church"),
        ("Thankful", _ANY, _MAJOR, "church"),
        ("Trusting", _SLOWER, _MAJOR, "church"),
        ("Humble", _SLOWER, _BOTH, "church"),
        ("Serene", _SLOWER, _MAJOR, "anywhere"),
        ("Old", _ANY, _BOTH, "anywhere"),
        ("Bright", _FASTER, _MAJOR, "anywhere"),
        ("Distant", _ANY, _BOTH, "anywhere"),
        ("Golden", _ANY, _MAJOR, "anywhere"),
        ("Grave", _SLOWER, _MINOR, "anywhere"),
        ("Sombre", _SLOWER, _MINOR, "anywhere"),
        ("Dark", _ANY, _MINOR, "anywhere"),
        ("Wistful", _ANY, _MINOR, "world"),
        ("Pensive", _SLOWER, _MINOR, "anywhere"),
        ("Longing", _SLOWER, _MINOR, "world"),
        ("Lonely", _ANY, _MINOR, "world"),
        ("Secret", _ANY, _MINOR, "world"),
        ("Restless", _FASTER, _MINOR, "world"),
        ("Stormy", _FASTEST, _MINOR, "world"),
        ("Wild", _FASTEST, _MINOR, "world"),
        ("Graceful", _FASTER, _BOTH, "world"),
        ("Bold", _FASTER, _BOTH, "world"),
        ("Proud", _FASTER, _BOTH, "world"),
        ("Merry", _FASTER, _MAJOR, "world"),
        ("Cheerful", _FASTER, _MAJOR, "world"),
        ("Playful", _FASTER, _MAJOR, "world"),
        ("Sunny", _FASTER, _MAJOR, "world"),
        ("Carefree", _FASTER, _MAJOR, "world"),
        ("Lively", _FASTEST, _BOTH, "world"),
        ("Nimble", _FASTEST, _BOTH, "world"),
        ("Sprightly", _FASTEST, _MAJOR, "world"),
    )
)
_SCENES: Final = tuple(
    _Word(said, paces, moods, where)
    for said, paces, moods, where in (
        (mark("Morning"), _ANY, _MAJOR, "anywhere"),
        (mark("Evening"), _ANY, _BOTH, "anywhere"),
        (mark("Night"), _ANY, _MINOR, "anywhere"),
        (mark("Midnight"), _ANY, _MINOR, "world"),
        (mark("Sunday"), _ANY, _MAJOR, "anywhere"),
        (mark("Spring"), _ANY, _MAJOR, "anywhere"),
        (mark("Summer"), _ANY, _MAJOR, "anywhere"),
        (mark("Autumn"), _ANY, _BOTH, "anywhere"),
        (mark("Winter"), _ANY, _BOTH, "anywhere"),
        (mark("Harvest"), _ANY, _MAJOR, "anywhere"),
        (mark("Farewell"), _ANY, _BOTH, "anywhere"),
        (mark("Candle"), _SLOWER, _BOTH, "anywhere"),
        (mark("Pilgrim's"), _SLOWER, _BOTH, "church"),
        (mark("Vesper"), _SLOWER, _BOTH, "church"),
        (mark("Advent"), _ANY, _BOTH, "church"),
        (mark("Abbey"), _ANY, _BOTH, "church"),
        (mark("Bell"), _ANY, _BOTH, "anywhere"),
        (mark("Star"), _ANY, _BOTH, "anywhere"),
        (mark("Rose"), _ANY, _MAJOR, "anywhere"),
        (mark("Shepherd's"), _ANY, _BOTH, "anywhere"),
        (mark("Mountain"), _ANY, _BOTH, "anywhere"),
        (mark("Valley"), _ANY, _BOTH, "anywhere"),
        (mark("Forest"), _ANY, _BOTH, "world"),
        (mark("Moonlight"), _SLOWER, _BOTH, "world"),
        (mark("Rain"), _ANY, _MINOR, "world"),
        (mark("Mist"), _SLOWER, _MINOR, "world"),
        (mark("Snow"), _ANY, _BOTH, "world"),
        (mark("River"), _ANY, _BOTH, "world"),
        (mark("Harbour"), _ANY, _BOTH, "world"),
        (mark("Island"), _ANY, _BOTH, "world"),
        (mark("Lighthouse"), _ANY, _BOTH, "world"),
        (mark("Heather"), _ANY, _BOTH, "world"),
        (mark("Garden"), _ANY, _MAJOR, "world"),
        (mark("Meadow"), _ANY, _MAJOR, "world"),
        (mark("Birch"), _ANY, _BOTH, "world"),
        (mark("Willow"), _ANY, _MINOR, "world"),
        (mark("Lark"), _FASTER, _MAJOR, "world"),
        (mark("Swallow"), _FASTER, _BOTH, "world"),
        (mark("Blackbird"), _ANY, _BOTH, "world"),
        (mark("Raven"), _ANY, _MINOR, "world"),
        (mark("Market"), _FASTER, _MAJOR, "world"),
        (mark("Wedding"), _FASTER, _MAJOR, "world"),
        (mark("Kitchen"), _FASTEST, _MAJOR, "world"),
        (mark("Lantern"), _ANY, _BOTH, "world"),
        (mark("Ferryman's"), _FASTER, _BOTH, "world"),
        (mark("Miller's"), _FASTER, _MAJOR, "world"),
        (mark("Fiddler's"), _FASTER, _BOTH, "world"),
        (mark("Hunter's"), _FASTER, _BOTH, "world"),
    )
)
_PLACES: Final = tuple(
    _Word(said, paces, moods, where)
    for said, paces, moods, where in (
        (mark("by the Sea"), _ANY, _BOTH, "anywhere"),
        (mark("by the River"), _ANY, _BOTH, "anywhere"),
        (mark("by the Fire"), _ANY, _BOTH, "world"),
        (mark("by Candlelight"), _SLOWER, _BOTH, "anywhere"),
        (mark("by Moonlight"), _ANY, _BOTH, "world"),
        (mark("at Dawn"), _ANY, _BOTH, "anywhere"),
        (mark("at Dusk"), _ANY, _BOTH, "anywhere"),
        (mark("at Daybreak"), _ANY, _MAJOR, "anywhere"),
        (mark("at Midnight"), _ANY, _MINOR, "anywhere"),
        (mark("at the Crossroads"), _ANY, _BOTH, "world"),
        (mark("at the Ferry"), _ANY, _BOTH, "world"),
        (mark("on the Hill"), _ANY, _BOTH, "anywhere"),
        (mark("on the Shore"), _ANY, _BOTH, "anywhere"),
        (mark("on the Quay"), _ANY, _BOTH, "world"),
        (mark("under the Stars"), _ANY, _BOTH, "anywhere"),
        (mark("under the Lime Tree"), _ANY, _BOTH, "world"),
        (mark("after the Rain"), _ANY, _BOTH, "anywhere"),
        (mark("after the Harvest"), _ANY, _MAJOR, "anywhere"),
        (mark("before the Storm"), _ANY, _MINOR, "anywhere"),
        (mark("before Sunrise"), _ANY, _BOTH, "anywhere"),
        (mark("behind the Mill"), _ANY, _BOTH, "world"),
        (mark("beyond the Hills"), _ANY, _BOTH, "anywhere"),
        (mark("from the Island"), _ANY, _BOTH, "anywhere"),
        (mark("from the North"), _ANY, _MINOR, "anywhere"),
        (mark("through the Snow"), _ANY, _MINOR, "world"),
        (mark("for a Winter Night"), _SLOWER, _BOTH, "anywhere"),
        (mark("for a Clear Morning"), _ANY, _MAJOR, "anywhere"),
        (mark("for an Old Friend"), _ANY, _BOTH, "anywhere"),
        (mark("for the Journey"), _ANY, _BOTH, "anywhere"),
        (mark("at the Gate"), _ANY, _BOTH, "anywhere"),
        (mark("at the Well"), _ANY, _BOTH, "world"),
        (mark("on the Bridge"), _ANY, _BOTH, "world"),
        (mark("under the Oak"), _ANY, _BOTH, "anywhere"),
        (mark("across the Fields"), _ANY, _BOTH, "anywhere"),
        (mark("over the Moor"), _ANY, _MINOR, "world"),
        (mark("of the Four Winds"), _ANY, _BOTH, "anywhere"),
        (mark("of the First Light"), _ANY, _MAJOR, "anywhere"),
        (mark("of the Long Shadows"), _ANY, _MINOR, "anywhere"),
        (mark("of the Last Leaves"), _ANY, _MINOR, "anywhere"),
        (mark("of the Quiet Hours"), _SLOWER, _BOTH, "anywhere"),
        (mark("of the Wild Geese"), _ANY, _BOTH, "world"),
        (mark("of the North Wind"), _ANY, _MINOR, "world"),
    )
)
