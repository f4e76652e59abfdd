"""What a training hears: the pieces of an epoch in a stream, held-out ones in batches."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model import frames as columns
from core.model import hearing
from core.model.hearing import ID, NONE, PITCH, Frames
from core.music import notation
from core.music.notation import TRANSPOSITIONS

UNTOLD: Final = 0.1  # of the pieces are not told each of length, home, plan and phrases


def epoch_stream(pieces: Sequence[Frames], epoch: int, keys: int, seed: int) -> Frames:
    """Lay out an epoch, counted from 1: every piece in `keys` keys, shuffled.

    From epoch to epoch a piece goes through all of its keys before one comes again. Of some pieces something is not
    told, so that a network can do without.
    """
    rng = np.random.default_rng([seed, epoch])
    parts = []
    for i, frames in enumerate(pieces):
        order = np.random.default_rng([seed, i]).permutation(len(TRANSPOSITIONS))
        turns = range((epoch - 1) * keys, epoch * keys)
        parts += [(frames, TRANSPOSITIONS[order[turn % len(TRANSPOSITIONS)]]) for turn in turns]
    rng.shuffle(parts)
    unknown = rng.random((len(parts), 4)) < UNTOLD
    return np.concatenate(
        [_untold(in_key(frames, semitones), *what) for (frames, semitones), what in zip(parts, unknown, strict=True)]
    )


def in_key(frames: Frames, semitones: int) -> Frames:
    """Transpose a piece, by an octave less or more where it would leave 0 … 127; unmoved if nothing fits."""
    sounding = np.concatenate([frames[:, PITCH], frames[:, hearing.NOW].ravel()])
    sounding = sounding[sounding != NONE]
    shift = notation.fitting(semitones, int(sounding.min()), int(sounding.max())) if len(sounding) else 0
    return columns.transpose(frames, shift) if shift else frames


def _untold(frames: Frames, left: bool, home: bool, section: bool, phrase: bool) -> Frames:
    if frames.shape[1] == hearing.COLUMNS or not (left or home or section or phrase):
        return frames
    return columns.untold(frames, left=left, home=home, section=section, phrase=phrase)


def batches(
    pieces: Sequence[Frames], batch: int, window: int
) -> list[tuple[Frames, NDArray[np.int32], NDArray[np.float32]]]:
    """Pad whole pieces to batches of like length: frames, next tokens and mask, `(time, batch, ...)`."""
    padded = []
    ordered = sorted(pieces, key=len)
    for at in range(0, len(ordered), batch):
        group = ordered[at : at + batch]
        time_steps = -(-len(group[-1]) // window) * window
        frames = np.zeros((time_steps, batch, pieces[0].shape[1]), np.int16)
        frames[:] = pieces[0][0]  # a boundary
        mask = np.zeros((time_steps, batch), np.float32)
        for row, piece in enumerate(group):
            frames[: len(piece), row], mask[: len(piece), row] = piece, 1
        targets = np.zeros((time_steps, batch), np.int32)  # the token behind a piece's last one is the boundary
        targets[:-1] = frames[1:, :, ID]
        padded.append((frames, targets, mask))
    return padded
