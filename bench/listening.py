"""What ten pieces of each model sound like with each ensemble, in figures: python -m bench.listening [MODEL …].

Loudness and true peak (4 times oversampled), when sound begins, how loud the first half second is against the whole,
the longest silence within, samples at full scale, the middle of the spectrum by power, what is above 5 kHz against the
whole, and how different left and right are. Of ten pieces the worst, or the median where nothing is best.
"""

import io
import statistics
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import loudness
import numpy as np
import soundfile
from numpy.typing import NDArray

from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.music import score
from core.performing import audio, ensembles, performance

PIECES: Final = 10
BARS: Final = 8
MODELS: Final = Path(__file__).parent.parent / "models"
NAMES: Final = ("chorales", "classic", "everything", "fiddle")
SOLOS: Final = ("piano", "harpsichord")
COLUMNS: Final = (
    *("played by", "LUFS", "dBTP", "begins s", "first 0.5 s dB", "silence s", "clipped", "middle Hz"),
    *("> 5 kHz dB", "width"),
)
QUIET: Final = 10 ** (-50 / 20)  # of the peak: what counts as silence


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold what was measured of one piece."""

    lufs: float
    peak: float  # dBTP
    begins: float  # seconds
    opening: float  # dB of the first half second against the whole
    silence: float  # seconds, the longest within
    clipped: int
    middle: float  # Hz
    bright: float  # dB above 5 kHz
    width: float  # 0 is mono


def main(names: list[str]) -> None:
    """Print a table for each model."""
    for name in names or list(NAMES):
        pieces = [_compose(name, seed) for seed in range(1, PIECES + 1)]
        print(f"\n{name}: {PIECES} pieces of {BARS} bars\n")
        print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
        for instrument in (*ensembles.ENSEMBLES, *SOLOS):
            heard = [_listen(piece, tempo, instrument) for piece, tempo in pieces]
            print(
                f"| {instrument}"
                f" | {min(each.lufs for each in heard):.1f} to {max(each.lufs for each in heard):.1f}"
                f" | {max(each.peak for each in heard):.1f} | {max(each.begins for each in heard):.2f}"
                f" | {min(each.opening for each in heard):.1f} | {max(each.silence for each in heard):.2f}"
                f" | {sum(each.clipped for each in heard)} | {statistics.median(each.middle for each in heard):.0f}"
                f" | {statistics.median(each.bright for each in heard):.0f}"
                f" | {statistics.median(each.width for each in heard):.2f} |",
                flush=True,
            )


def _compose(name: str, seed: int) -> tuple[score.Score, float]:
    request = ComposeRequest(model=str(MODELS / name), seed=seed, bars=BARS, effort=1, audio=None, picture=False)
    made = recipe.compose(request)
    unit = Fraction(made.model.rest_unit)
    piece = score.from_text(made.takes[0].text, made.model.anchor, unit, recipe.metre_of(made.request))
    return piece, made.takes[0].tempo


def _listen(piece: score.Score, tempo: float, instrument: str) -> Heard:
    played = performance.prepare(piece, tempo=tempo, instrument=instrument)
    samples, rate = soundfile.read(io.BytesIO(audio.render(played.midi(by_hand=True))), always_2d=True)
    level = np.abs(samples).max(1)
    loud = np.flatnonzero(level > QUIET * level.max())
    within = np.diff(loud) / rate
    half = samples[loud[0] : loud[0] + rate // 2]
    power = np.abs(np.fft.rfft(samples.sum(1))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    return Heard(
        lufs=float(loudness.integrated_loudness(samples, rate)),
        peak=20 * float(np.log10(_true_peak(samples))),
        begins=float(loud[0] / rate),
        opening=20 * float(np.log10(_rms(half) / _rms(samples))),
        silence=float(within.max()),
        clipped=int((level >= 0.999).sum()),
        middle=float(hertz[np.searchsorted(np.cumsum(power), power.sum() / 2)]),
        bright=10 * float(np.log10(power[hertz > 5000].sum() / power.sum())),
        width=float(_rms(samples[:, :1] - samples[:, 1:]) / _rms(samples)),
    )


def _true_peak(samples: NDArray[np.float64]) -> float:
    """Return the highest peak between the samples, near those that are high (ITU-R BS.1770, 4 times oversampled)."""
    highest = 0.0
    for channel in samples.T:
        for place in np.argsort(np.abs(channel))[-20:]:
            block = channel[max(0, place - 512) : place + 512]
            finer = np.fft.irfft(np.pad(np.fft.rfft(block), (0, 3 * len(block) // 2)), 4 * len(block)) * 4
            highest = max(highest, float(np.abs(finer[len(finer) // 4 : -len(finer) // 4]).max(initial=0.0)))
    return highest


def _rms(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt((samples**2).mean()))


if __name__ == "__main__":
    main(sys.argv[1:])
