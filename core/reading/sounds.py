"""The bytes of a sound -> samples, within a budget: OGG with Opus or Vorbis, MP3, WAV and FLAC, and M4A.

libsndfile reads all but M4A. That takes FFmpeg, which comes with PyAV as a wheel; its parts under the GPL encode, and
are not called here.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadingError, mark
from core.music.piece import damaged

Samples = NDArray[np.float32]  # (frames,), mono

ENDINGS: Final = (".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4", ".wav", ".flac")
RATE: Final = 16_000  # that of the pitch tracker

_BLOCK: Final = 65_536  # frames


@dataclass(frozen=True, slots=True)
class SoundBudget:
    """Say how much of a sound may be read, and what it may be."""

    file_bytes: int = 10 << 20
    seconds: float = 30.0
    channels: int = 8
    rates: tuple[int, int] = (8_000, 192_000)


def is_sound(data: bytes, name: str) -> bool:
    """Tell by its first bytes, or else by its name, whether a file is for the ears."""
    return _kind(data) is not None or (data[:4] != b"MThd" and name.lower().endswith(ENDINGS))


def decode(data: bytes, name: str, budget: SoundBudget | None = None) -> Samples:
    """Return a sound as one channel at RATE. Raises ReadingError, and nothing else."""
    budget, kind = budget or SoundBudget(), _kind(data)
    if len(data) > budget.file_bytes:
        raise ReadingError(
            "The sound is larger than {most:g} MiB. Choose a shorter one.",
            mark("file too large"),
            most=budget.file_bytes / (1 << 20),
        )
    if not data:
        raise ReadingError("The file is empty. Choose another.", mark("empty"))
    if kind is None:
        raise ReadingError(
            "{name} is no sound that can be read. These can be: {kinds}.",
            mark("not music"),
            name=name,
            kinds=", ".join(ENDINGS),
        )
    try:
        samples, rate = _through_av(data, budget) if kind == "m4a" else _through_libsndfile(data, budget)
    except (RuntimeError, ValueError, OSError, ArithmeticError, MemoryError) as error:
        raise damaged(mark("sound"), mark("it cannot be decoded")) from error
    if not len(samples):
        raise ReadingError("There is nothing in this sound. Record it again.", mark("empty"))
    if not np.isfinite(samples).all():
        raise damaged(mark("sound"), mark("some of its samples are no numbers"))
    try:
        import soxr
    except ImportError:
        raise ReadingError(
            "Hums cannot be heard here: the bot's owner has to install the extra hum.", mark("not music")
        ) from None
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def _kind(data: bytes) -> str | None:
    """Tell what a sound is by how it begins."""
    if data[4:8] == b"ftyp":
        return "m4a"
    is_mp3 = data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 in (0xE2, 0xE4, 0xE6))
    is_wav = data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"
    return "other" if is_mp3 or is_wav or data[:4] in (b"OggS", b"fLaC") else None


def _check(channels: int, rate: int, budget: SoundBudget) -> None:
    if not 1 <= channels <= budget.channels:
        raise ReadingError(
            "The sound has {count} channels; up to {most} are read. Save it in mono.",
            mark("too many channels"),
            count=channels,
            most=budget.channels,
        )
    if not budget.rates[0] <= rate <= budget.rates[1]:
        raise ReadingError(
            "The sound has {rate:,} samples a second; from {least:,} to {most:,} are read. Save it with 48,000.",
            mark("sample rate"),
            rate=rate,
            least=budget.rates[0],
            most=budget.rates[1],
        )


def too_long(budget: SoundBudget) -> ReadingError:
    """Make the refusal of a sound that lasts longer than the budget has."""
    return ReadingError(
        "The sound lasts longer than {most:g} seconds. Cut it, or record a shorter one.",
        mark("too long"),
        most=budget.seconds,
    )


def _through_libsndfile(data: bytes, budget: SoundBudget) -> tuple[Samples, int]:
    import soundfile

    with soundfile.SoundFile(BytesIO(data)) as file:
        _check(file.channels, file.samplerate, budget)
        most = int(budget.seconds * file.samplerate)
        blocks, frames = list[Samples](), 0
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            frames += len(block)
            if frames > most + file.samplerate:
                raise too_long(budget)  # by what comes, whatever the header says
            blocks.append(block.mean(axis=1))
        return _joined(blocks), int(file.samplerate)


def _through_av(data: bytes, budget: SoundBudget) -> tuple[Samples, int]:
    try:
        import av
    except ImportError:
        raise ReadingError(
            "M4A cannot be read here: send it as a voice message, or as MP3, OGG or WAV.", mark("not music")
        ) from None
    with av.open(BytesIO(data), format="mp4") as container:
        if not container.streams.audio:
            raise ReadingError("There is no sound in this file. Choose another.", mark("not music"))
        stream = container.streams.audio[0]
        _check(stream.channels, stream.rate, budget)
        mono = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        blocks, frames = list[Samples](), 0
        for frame in container.decode(stream):
            for converted in mono.resample(frame):
                block: Any = converted.to_ndarray()
                blocks.append(np.asarray(block, np.float32).reshape(-1))
                frames += converted.samples
            if frames > (budget.seconds + 1) * stream.rate:
                raise too_long(budget)
        return _joined(blocks), int(stream.rate)


def _joined(blocks: list[Samples]) -> Samples:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
