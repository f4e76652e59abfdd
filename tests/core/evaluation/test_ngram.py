"""The n-gram: counts, smoothing and keys."""

import numpy as np
import pytest

from core.evaluation.ngram import NGram, in_twelve_keys
from core.music import notation
from core.music.notation import BOUNDARY, SIZE


def test_it_is_witten_bell_by_hand() -> None:
    a, b = notation.note(60), notation.RESTS[0]
    ngram = NGram([[a, b, a]], order=2)
    # Tokens that came: a twice, b and the boundary once. After a: b once, the boundary once. After b: a.
    alone = {a: (2 + 3 / SIZE) / 7, b: (1 + 3 / SIZE) / 7, BOUNDARY: (1 + 3 / SIZE) / 7}
    after_a = ngram.distribution([a])[1]
    assert after_a[b] == pytest.approx((1 + 2 * alone[b]) / 4)
    assert after_a[BOUNDARY] == pytest.approx((1 + 2 * alone[BOUNDARY]) / 4)
    assert after_a[a] == pytest.approx(2 * alone[a] / 4)
    assert ngram.distribution([b])[1][a] == pytest.approx((1 + alone[a]) / 2)


def test_an_unknown_context_falls_back_on_a_shorter_one() -> None:
    a, b, c = notation.note(60), notation.RESTS[0], notation.note(70)
    ngram = NGram([[a, b, a, b]], order=3)
    shorter = NGram([[a, b, a, b]], order=1)
    np.testing.assert_allclose(ngram.distribution([c])[1], shorter.distribution([c])[1])


def test_every_distribution_sums_to_one() -> None:
    pieces = [notation.parse(text) for text in ("60-4-7r262r164r1", "60r162r164r160r1", "48-7-12-16r243-7-16-21r2")]
    ngram = NGram(in_twelve_keys(pieces, "lowest"))
    for ids in (*pieces, notation.parse("r361r1100-1r4"), []):
        predicted = ngram.distribution(ids)
        assert predicted.shape == (len(ids) + 1, SIZE)
        assert predicted.min() > 0
        np.testing.assert_allclose(predicted.sum(1), 1)


def test_longer_contexts_predict_a_repeated_tune_better() -> None:
    tune = notation.parse("60r162r164r165r164r162r160r167r160r1")
    tokens = [*tune, BOUNDARY]

    def nats(order: int) -> float:
        predicted = NGram([tune, tune, tune], order).distribution(tune)
        return float(-np.log(predicted[np.arange(len(tokens)), tokens]).mean())

    assert nats(6) < nats(3) < nats(1) < np.log(SIZE)


def test_a_piece_in_twelve_keys_is_known_in_every_key() -> None:
    tune = notation.parse("60-4-7r262r164r165r1")
    keys = in_twelve_keys([tune], "lowest")
    assert len({tuple(ids) for ids in keys}) == len(keys) == 12
    everywhere, one = NGram(keys), NGram([tune])
    for semitones in range(-6, 6):
        closing = notation.transpose(tune, semitones)
        assert everywhere.distribution(closing)[-1, BOUNDARY] > 0.8
        assert (one.distribution(closing)[-1, BOUNDARY] > 0.8) == (semitones == 0)


def test_keys_that_leave_the_notes_move_by_an_octave() -> None:
    high = notation.parse("127r1125r1")
    assert all(notation.parse(notation.text(ids)) == ids for ids in in_twelve_keys([high], "lowest"))
    silent = notation.parse("r4r4")
    assert in_twelve_keys([silent], "lowest") == [silent]
