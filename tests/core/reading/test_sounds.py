"""Sounds: every format to the same samples, and hostile ones to a sentence, in a process of their own."""

import io
import zipfile
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from core.errors import ReadingError
from core.music.melody import Melody
from core.reading import sounds
from core.reading.pool import listen_safely

RATE = 48_000
TONE = (0.3 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.float32)


def encoded(samples: Any, format: str, subtype: str, rate: int = RATE) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format=format, subtype=subtype)
    return data.getvalue()


def m4a(samples: Any, rate: int = RATE) -> bytes:
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "mono"
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(np.asarray(samples[None, start : start + 1024]), "fltp", "mono")
            frame.rate = rate
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return data.getvalue()


FORMATS = {
    "voice-message.ogg": lambda: encoded(TONE, "OGG", "OPUS"),
    "tone.ogg": lambda: encoded(TONE, "OGG", "VORBIS"),
    "tone.mp3": lambda: encoded(TONE, "MP3", "MPEG_LAYER_III"),
    "tone.wav": lambda: encoded(np.stack([TONE, TONE], 1), "WAV", "PCM_16"),
    "tone.flac": lambda: encoded(TONE, "FLAC", "PCM_16"),
    "tone.m4a": lambda: m4a(TONE),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_sound(name: str) -> None:
    data = FORMATS[name]()
    assert sounds.is_sound(data, name)
    samples = sounds.decode(data, name)
    assert len(samples) / sounds.RATE == pytest.approx(1, abs=0.1)
    middle = samples[4_000:12_000]
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.03)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * sounds.RATE / len(middle) == pytest.approx(220, abs=3)


def test_what_is_read_by_eye_is_no_sound() -> None:
    for data, name in ((b"MThd" + bytes(20), "tune.mid"), (b"X:1\nK:C\nc", "tune.abc"), (b"<score/>", "a.musicxml")):
        assert not sounds.is_sound(data, name)


def _zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("hum.wav", bytes(1000))
    return data.getvalue()


HOSTILE: dict[str, tuple[Any, str, str]] = {
    "nothing": (lambda: b"", "a.ogg", "The file is empty."),
    "a renamed zip": (_zip, "voice-message.ogg", "voice-message.ogg is no sound that can be read."),
    "a text": (lambda: b"dear diary", "diary.mp3", "diary.mp3 is no sound that can be read."),
    "an hour of silence": (
        lambda: encoded(np.zeros(3600 * 8000, np.int16), "FLAC", "PCM_16", 8000),  # a few KB a minute
        "hour.flac",
        "lasts longer than 30 seconds",
    ),
    "an hour of silence in M4A": (lambda: m4a(np.zeros(600 * 8000, np.float32), 8000), "a.m4a", "longer than 30 sec"),
    "samples that are no numbers": (
        lambda: encoded(np.full(9000, np.nan, np.float32), "WAV", "FLOAT"),
        "nan.wav",
        "some of its samples are no numbers",
    ),
    "endless samples": (
        lambda: encoded(np.full(9000, np.inf, np.float32), "WAV", "FLOAT"),
        "inf.wav",
        "some of its samples are no numbers",
    ),
    "1,000 channels": (
        lambda: encoded(np.zeros((10, 1000), np.int16), "WAV", "PCM_16"),
        "many.wav",
        "The sound has 1000 channels; up to 8 are read.",
    ),
    "a huge sample rate": (
        lambda: encoded(TONE, "WAV", "PCM_16", 2_000_000_000),
        "fast.wav",
        "2,000,000,000 samples a second",
    ),
    "no samples": (lambda: encoded(np.zeros(0, np.int16), "WAV", "PCM_16"), "none.wav", "There is nothing in this"),
    "a header alone": (lambda: encoded(TONE, "OGG", "OPUS")[:60], "cut.ogg", "This sound file is damaged"),
    "M4A that is none": (lambda: bytes(4) + b"ftypM4A " + bytes(90), "a.m4a", "This sound file is damaged"),
    "too many bytes": (lambda: b"RIFF" + bytes(4) + b"WAVE" + bytes(11 << 20), "a.wav", "larger than 10 MiB"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_sounds_are_refused_with_a_sentence(kind: str) -> None:
    make, name, sentence = HOSTILE[kind]
    with pytest.raises(ReadingError) as caught:
        sounds.decode(make(), name)
    assert sentence in str(caught.value)


def test_a_stranger_s_sound_is_heard_in_a_process_that_can_be_stopped() -> None:
    with pytest.raises(ReadingError, match="no sound that can be read"):
        listen_safely(_zip(), "voice-message.ogg")
    with pytest.raises(ReadingError, match=r"Listening took longer than 0.001 seconds and was stopped."):
        listen_safely(encoded(TONE, "OGG", "OPUS"), "a.ogg", deadline_seconds=0.001)
    scale = np.concatenate([_sung(pitch) for pitch in (60, 62, 64, 65, 67)])
    heard = listen_safely(encoded(scale, "OGG", "OPUS"), "voice-message.ogg")
    assert isinstance(heard, Melody)
    assert [note.pitch for note in heard.notes] == [60, 62, 64, 65, 67]
    assert {note.length for note in heard.notes[:-1]} == {Fraction(1)}


def _sung(pitch: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    times = np.arange(int(0.6 * RATE)) / RATE
    phase = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * times
    rise = np.clip(times / 0.03, 0, 1) * np.clip((0.55 - times) / 0.05, 0, 1)
    return np.asarray(sum(0.2 * np.sin(k * phase) / k**2 for k in (1, 2, 3)) * rise, np.float32)
