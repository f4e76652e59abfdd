"""MIDI as sound: found soundfont, checked rendering, even level, and MP3, WAV, FLAC or OGG."""

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

import lameenc
import loudness
import numpy as np
import soundfile
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from symusic.core import ScoreTick

from core.errors import AudioError, reason
from core.performing.performance import RELEASE, duration
from core.performing.synthesizer import synthesise

Format = Literal["mp3", "wav", "flac", "ogg"]
Samples = NDArray[np.float32]  # (frames, channels), between -1 and 1

SAMPLE_RATE: Final = 44_100
LONGEST: Final = 15 * 60.0  # seconds of music

SOUNDFONT_FOLDERS: Final = (
    Path(__file__).parents[2] / "soundfonts",
    Path("/usr/share/sounds/sf2"),
    Path("/usr/share/sounds/sf3"),
    Path("/usr/share/soundfonts"),
    Path("/usr/local/share/soundfonts"),
    Path("/opt/homebrew/share/soundfonts"),
)

LOUDNESS: Final = -16.0  # LUFS, integrated (ITU-R BS.1770), of every piece that lasts at all
TRUE_PEAK: Final = -1.0  # dBTP that no peak may reach

_PEAK: Final = 10 ** (-2 / 20)  # of samples: 1 dB is left to what lies between them and to what MP3 and OGG round
_HOP: Final = 64  # frames between two values of the limiter's gain
_AHEAD: Final = 8  # hops in which the gain goes down before a peak, and up again: 12 ms
_HELD: Final = 56  # hops in which it stays down behind it: 80 ms
_SHORTEST: Final = 0.4  # seconds of sound whose loudness is defined
_PREFERRED: Final = ("FluidR3_GM.sf2",)
_LAME: Final = 0.95  # by which LAME turns everything down
_SILENCE: Final = 1e-5  # a peak below this is no sound; FluidSynth's one note is at 1e-2
_BLOCK: Final = 65_536  # frames; libsndfile 1.2.2 can crash on a minute of OGG at once
_SUBTYPES: Final = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS"}


def render(midi: bytes, *, format: Format = "mp3", soundfont: Path | None = None) -> bytes:
    """Play a MIDI file through FluidSynth and return the sound in a format, stereo, at LOUDNESS and below TRUE_PEAK.

    Without a soundfont `find_soundfont` chooses. The same input gives the same bytes on one machine. Raises AudioError,
    for a MIDI file without notes or over LONGEST as well as for a synthesizer that is missing or failed.
    """
    seconds = _duration(midi)
    font = find_soundfont(soundfont)
    if shutil.which("fluidsynth") is None:
        raise AudioError(
            "FluidSynth, which makes the sound, is not installed. On Debian or Ubuntu: apt-get install"
            " --no-install-recommends fluidsynth fluid-soundfont-gm; on a Mac: brew install fluid-synth."
        )
    samples = _finish(_play(midi, font, seconds), seconds)
    return _mp3(samples) if format == "mp3" else _sound_file(samples, format)


def find_soundfont(choice: Path | None = None) -> Path:
    """Return the soundfont to play with: the choice, or CADENZA_SOUNDFONT, or the first that is installed.

    Raises AudioError if there is none, or if the file is not a whole soundfont.
    """
    if choice is None and (named := os.environ.get("CADENZA_SOUNDFONT")):
        choice = Path(named).expanduser()
    if choice is None:
        choice = next(iter(soundfonts()), None)
    if choice is None:
        raise AudioError(
            "No soundfont is installed. On Debian or Ubuntu: apt-get install --no-install-recommends"
            " fluid-soundfont-gm. Elsewhere put any General MIDI .sf2 file into the folder soundfonts, or name it in"
            " CADENZA_SOUNDFONT."
        )
    _check_soundfont(choice)
    return choice


def soundfonts() -> tuple[Path, ...]:
    """List the soundfonts that are installed: the project's own first, and FluidR3 before others of the system.

    The links by which Debian names its default are left out.
    """
    own, *others = SOUNDFONT_FOLDERS
    installed = [path for folder in others for path in sorted(folder.glob("*.sf[23]")) if not path.is_symlink()]
    return (*sorted(own.glob("*.sf[23]")), *sorted(installed, key=lambda path: path.name not in _PREFERRED))


def _check_soundfont(path: Path) -> None:
    """Read the RIFF header, since FluidSynth plays silence, or another font, where it cannot read one."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        size = path.stat().st_size
    except OSError as error:
        raise AudioError(
            "The soundfont {name} cannot be read: {reason}. Choose another.", name=path.name, reason=reason(error)
        ) from error
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise AudioError("{name} is not a soundfont: a .sf2 file is needed. Choose another.", name=path.name)
    if int.from_bytes(head[4:8], "little") + 8 > size:
        raise AudioError("The soundfont {name} is cut short: fetch it again, or choose another.", name=path.name)


def _duration(midi: bytes) -> float:
    """Return how many seconds a MIDI file sounds, if it can be played."""
    try:
        notes, seconds = ScoreTick.from_midi(midi).note_num(), duration(midi)
    except (RuntimeError, ValueError) as error:
        raise AudioError("This MIDI file is damaged and cannot be played.") from error
    if not notes:
        raise AudioError("This MIDI file has no notes to play.")
    if seconds > LONGEST:
        raise AudioError(
            "This music lasts {minutes:.0f} minutes; at most {most:.0f} can be played.",
            minutes=seconds / 60,
            most=LONGEST / 60,
        )
    return seconds


def _play(midi: bytes, font: Path, seconds: float) -> Samples:
    """Have the synthesizer play, and check that it did."""
    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        path = Path(folder, "piece.mid")
        path.write_bytes(midi)
        frame_bytes = 2 * np.dtype(np.float32).itemsize
        wav = synthesise(
            path,
            font,
            sample_rate=SAMPLE_RATE,
            timeout=20 + seconds / 4,
            file_bytes=int((seconds + 60) * SAMPLE_RATE) * frame_bytes,
        )
        try:
            samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError("FluidSynth did not make a sound file. Try again, or choose another soundfont.") from error
    if (played := len(samples) / rate) < seconds - 0.1:
        raise AudioError(
            "FluidSynth stopped after {played:.0f} of {seconds:.0f} seconds. Try again.", played=played, seconds=seconds
        )
    return np.asarray(samples, np.float32)


def _finish(samples: Samples, seconds: float) -> Samples:
    """Cut the sound to the music's length, its end dying away, and bring it to LOUDNESS."""
    peak = max(float(samples.max()), -float(samples.min()))
    if not peak > _SILENCE:
        raise AudioError(
            "FluidSynth played nothing but silence: the soundfont lacks this instrument, or has no sound for notes as"
            " high or low as these. Choose another instrument or soundfont, or other notes."
        )
    samples = samples[: int(seconds * SAMPLE_RATE)]
    fade = min(int(RELEASE * SAMPLE_RATE), len(samples))
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None] ** 2
    return _levelled(samples, peak)


def _levelled(samples: Samples, peak: float) -> Samples:
    """Bring sound to LOUDNESS, the peaks that are then too high turned down for as long as they last."""
    found = loudness.integrated_loudness(samples, SAMPLE_RATE) if len(samples) > _SHORTEST * SAMPLE_RATE else -np.inf
    if not np.isfinite(found):
        return samples * np.float32(_PEAK / peak)
    gain = 10 ** ((LOUDNESS - found) / 20)
    levelled = samples * np.float32(gain)
    if peak * gain > _PEAK:  # and what is turned down has to be made up for
        gain *= 10 ** ((LOUDNESS - loudness.integrated_loudness(_limited(levelled), SAMPLE_RATE)) / 20)
        levelled = _limited(samples * np.float32(gain))
    return levelled


def _limited(samples: Samples) -> Samples:
    """Turn down what is above _PEAK, looking ahead, so that no sample is."""
    hops = -(-len(samples) // _HOP)
    peaks = np.zeros(hops * _HOP, np.float32)
    peaks[: len(samples)] = np.maximum(*np.abs(samples).T)
    wanted = np.minimum(1, _PEAK / np.maximum(peaks.reshape(hops, _HOP).max(1), _SILENCE))
    padded = np.pad(wanted, (_AHEAD + _HELD, _AHEAD + 1), constant_values=1)
    held = sliding_window_view(padded, 2 * _AHEAD + _HELD + 2).min(1)
    width = 2 * _AHEAD + 1
    smooth = np.convolve(
        np.pad(held, _AHEAD, mode="edge"), np.full(width, 1 / width), "valid"
    )  # nowhere above `wanted`
    middles = np.arange(hops) * _HOP + (_HOP - 1) / 2
    gains = np.interp(np.arange(len(samples)), middles, smooth).astype(np.float32)
    return np.asarray(np.clip(samples * gains[:, None], -_PEAK, _PEAK), np.float32)


def _mp3(samples: Samples) -> bytes:
    """Encode as MP3, 160 kbit/s: the fastest setting's loss is below what a soundfont's own loops make audible."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(160)
    encoder.set_in_sample_rate(SAMPLE_RATE)
    encoder.set_channels(samples.shape[1])
    encoder.set_quality(7)
    data = encoder.encode((samples * (32767 / _LAME)).astype("<i2").tobytes())
    return bytes(data + encoder.flush())


def _sound_file(samples: Samples, format: Format) -> bytes:
    """Encode as WAV, FLAC or OGG."""
    data = BytesIO()
    with soundfile.SoundFile(
        data, "w", SAMPLE_RATE, samples.shape[1], _SUBTYPES[format], format=format.upper()
    ) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    return b"".join(_pages(data.getvalue())) if format == "ogg" else data.getvalue()


def _pages(ogg: bytes) -> Iterator[bytes]:
    """Give every page of an OGG file the serial number 1 instead of a random one, and its checksum anew (RFC 3533)."""
    start = 0
    while start < len(ogg):
        segments = ogg[start + 26]
        end = start + 27 + segments + sum(ogg[start + 27 : start + 27 + segments])
        page = bytearray(ogg[start:end])
        page[14:18] = (1).to_bytes(4, "little")
        page[22:26] = bytes(4)
        page[22:26] = _checksum(page).to_bytes(4, "little")
        yield bytes(page)
        start = end


def _checksum(page: bytes | bytearray) -> int:
    """Return the CRC-32 of OGG: zlib's polynomial with every bit order turned round, from 0, not inverted."""
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)


_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
