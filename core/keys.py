"""The key of a piece, by the profiles of Krumhansl and Kessler."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# How well each pitch class fits a key, the tonic first: the probe-tone ratings of C. L. Krumhansl and E. J. Kessler,
# "Tracing the dynamic changes in perceived tonal organization", Psychological Review 89 (1982), for major and minor.
_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_NAMES: Final = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_MINOR_NAMES: Final = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")


def find_key(pitches: NDArray[np.integer]) -> str:
    """Name the key whose profile correlates best with the pitch classes (Krumhansl and Schmuckler's algorithm)."""
    counts = np.bincount(pitches % 12, minlength=12).astype(float)
    centred = counts - counts.mean()
    best = int((_PROFILES @ centred).argmax())
    return f"{_NAMES[best]} major" if best < 12 else f"{_MINOR_NAMES[best - 12]} minor"


def _standardised(profile: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the profile for all twelve tonics, (12, 12), each of mean 0 and length 1."""
    centred = np.array(profile) - np.mean(profile)
    return np.array([np.roll(centred / np.linalg.norm(centred), tonic) for tonic in range(12)])


_PROFILES: Final = np.concatenate([_standardised(_MAJOR), _standardised(_MINOR)])  # (24, 12)
