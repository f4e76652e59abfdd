"""Novelty: quotes are found in any key, and nothing else is called one."""

from fractions import Fraction

import numpy as np

from core.composing.novelty import SHORTEST, Index
from core.music import notation, score
from core.music.score import Event, Score


def melody(seed: int, events: int = 60) -> str:
    chance = np.random.default_rng(seed)
    onsets = np.cumsum(chance.integers(1, 4, events + 1)).tolist()
    pitches = chance.integers(50, 80, events).tolist()
    line = [Event(onset, (pitch,)) for onset, pitch in zip(onsets[:-1], pitches, strict=True)]
    return score.to_text(Score(tuple(line), onsets[-1], Fraction(1, 2)), "lowest")


def slice_of(text: str, start: int, events: int, semitones: int) -> str:
    ids = notation.transpose(notation.parse(text), semitones)
    whole = score.from_ids(ids, "lowest", Fraction(1, 2))
    kept = whole.events[start : start + events]
    first, end = kept[0].onset, whole.events[start + events].onset
    return score.to_text(
        Score(tuple(Event(e.onset - first, e.pitches) for e in kept), end - first, whole.unit), "lowest"
    )


def test_a_transposed_quote_is_found_whole() -> None:
    pieces = [(f"Melody {seed}", melody(seed)) for seed in range(20)]
    index = Index(pieces)
    text = melody(101) + slice_of(pieces[7][1], 10, 25, 3) + melody(102)
    quote = index.longest_quote(text)
    assert quote is not None
    assert quote.title == "Melody 7"
    assert quote.events >= 24  # the next piece begins with a rest, which lengthens the last event
    assert abs(quote.start - 60) <= 1


def test_a_quote_may_be_the_whole_piece_and_end_with_it() -> None:
    index = Index([("One", melody(1)), ("Two", melody(2))])
    quote = index.longest_quote(melody(2))
    assert quote is not None
    assert (quote.title, quote.start, quote.events) == ("Two", 0, 60)


def test_the_primer_is_not_counted() -> None:
    index = Index([("One", melody(1))])
    assert index.longest_quote(melody(1) + melody(50), since=60) is None


def test_new_music_quotes_nothing() -> None:
    index = Index([(f"Melody {seed}", melody(seed)) for seed in range(20)])
    assert index.longest_quote(melody(200)) is None


def test_too_short_and_empty_pieces_are_no_trouble() -> None:
    assert Index([]).longest_quote(melody(1)) is None
    assert Index([("Short", "60r1")]).longest_quote("60r1") is None
    assert Index([("One", melody(1))]).longest_quote("") is None
    assert SHORTEST > 1
