"""How well a hum is heard: `python -m bench.humming` makes hums whose notes are known, and counts what is found.

Tunes that nobody tuned the hearing on are sung by FluidSynth's voices and by a synthetic one, clean and in the ways
in which people hum. A note counts as found where its onset is within 80 ms and its semitone is right.
"""

import io
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from mido import Message, MidiFile, MidiTrack
from numpy.typing import NDArray

from core.errors import ReadingError
from core.performing.audio import find_soundfont
from core.performing.synthesizer import synthesise
from core.reading import humming, sounds
from core.reading.humming import Sung
from core.reading.names import read_names

Samples = NDArray[np.float32]

RATE: Final = 48_000  # as voice messages have
NEAR: Final = 0.08  # seconds that an onset may be off
TUNED_ON: Final = {
    "Twinkle": "C4 C4 G4 G4 | A4 A4 G4*2 | F4 F4 E4 E4 | D4 D4 C4*2 | G4 G4 F4 F4 | E4 E4 D4*2",
    "Brother John": "F4 G4 A4 F4 | F4 G4 A4 F4 | A4 Bb4 C5*2 | A4 Bb4 C5*2 | C5/2 D5/2 C5/2 Bb4/2 A4 F4",
    "Ode to Joy": "E4 E4 F4 G4 | G4 F4 E4 D4 | C4 C4 D4 E4 | E4*3/2 D4/2 D4*2 | E4 E4 F4 G4 | G4 F4 E4 D4",
    "Auld Lang Syne": "C4 | F4*3/2 F4/2 F4 A4 | G4*3/2 F4/2 G4 A4 | F4*3/2 F4/2 A4 C5 | D5*3",
}
HELD_OUT: Final = {
    "Amazing Grace": "3/4 D4 | G4*2 B4/2 G4/2 | B4*2 A4 | G4*2 E4 | D4*2 D4 | G4*2 B4/2 G4/2 | B4*2 A4 | D5*3",
    "Happy Birthday": "3/4 G4*3/4 G4/4 | A4 G4 C5 | B4*2 G4*3/4 G4/4 | A4 G4 D5 | C5*2",
    "Jingle Bells": "E4 E4 E4*2 | E4 E4 E4*2 | E4 G4 C4*3/2 D4/2 | E4*4 | F4 F4 F4*3/2 F4/2 | F4 E4 E4 E4/2 E4/2",
    "Silent Night": "6/8 G4*3/4 A4/4 G4/2 | E4*3/2 | G4*3/4 A4/4 G4/2 | E4*3/2 | D5 D5/2 | B4*3/2 | C5 C5/2 | G4*3/2",
    "Oh Susanna": "C4/2 D4/2 | E4 G4 G4*3/2 A4/2 | G4 E4 C4*3/2 D4/2 | E4 E4 D4 C4 | D4*3",
    "Scarborough Fair": "3/4 D4*2 D4 | A4*2 A4 | E4*3/2 F4/2 E4 | D4*3 | A4 C5 D5 | C5*2 A4 | B4 G4 A4",
    "Good King Wenceslas": "G4 G4 G4 A4 | G4 G4 D4*2 | E4 D4 E4 F#4 | G4*2 G4*2 | G4 G4 G4 A4 | G4 G4 D4*2",
}
VOICES: Final = {"hum": None, "choir": 52, "oohs": 53, "flute": 73, "whistle": 78}  # General MIDI programs


@dataclass(frozen=True, slots=True)
class Way:
    """Say how somebody hums; `detuned`, `wobble` (of each note), `vibrato` and `glide` in semitones.

    `noise` is breath, as a share of the loudness; `waver` is how far the tempo strays; `legato` leaves no gaps but
    between notes of one pitch.
    """

    detuned: float = 0.0
    wobble: float = 0.0
    vibrato: float = 0.0
    glide: float = 0.0
    noise: float = 0.0
    waver: float = 0.0
    legato: bool = False


CLEAN: Final = Way()
HARD: Final = {
    "off pitch": Way(detuned=2 / 3, wobble=0.15),
    "breath": Way(noise=0.3),
    "vibrato": Way(vibrato=0.5),
    "glides": Way(glide=1.5),
    "wavering": Way(waver=0.15),
    "legato": Way(legato=True),
    "all at once": Way(detuned=-2 / 3, wobble=0.12, vibrato=0.25, glide=0.7, noise=0.1, waver=0.1),
}


def sung(tune: str, way: Way, chance: np.random.Generator, beat: float, shift: int) -> list[Sung]:
    """Say when each note of a tune is sung, and how high."""
    notes, now = [], 0.3
    pace = 0.0
    written = read_names(tune).notes
    for note, after in zip(written, [*written[1:], None], strict=True):
        pace = 0.7 * pace + way.waver * chance.normal() * 0.7
        until = note.end if after is None else after.onset
        length = float(until - note.onset) * beat * float(np.exp(np.clip(pace, -0.3, 0.3)))
        pitch = note.pitch + shift + way.detuned + way.wobble * chance.normal()
        goes_on = way.legato and after is not None and after.pitch != note.pitch
        notes.append(Sung(now, now + length - (0 if goes_on else min(0.07, 0.2 * length)), pitch))
        now += length
    return notes


def voice(notes: Sequence[Sung], way: Way, program: int | None, chance: np.random.Generator) -> Samples:
    """Sing notes, with a General MIDI program or, without one, as a synthetic hum."""
    samples = _hummed(notes, way, chance) if program is None else _played(notes, way, program, chance)
    if way.noise:
        white = chance.normal(size=len(samples))
        breath = np.convolve(white, np.ones(6) / 6, "same")  # softer towards the top
        loud = np.convolve(np.abs(samples), np.ones(2400) / 2400, "same")
        samples = samples + way.noise * (0.15 * np.abs(samples).max() + 2 * loud) * breath
    return np.asarray(0.5 * samples / np.abs(samples).max(), np.float32)


def _curve(note: Sung, before: float, times: NDArray[np.float64], way: Way, phase: float) -> NDArray[np.float64]:
    """Return the pitch at each time within a note."""
    since = times - note.start
    vibrato = way.vibrato * np.sin(2 * np.pi * 5.5 * since + phase) * np.clip(since / 0.2, 0, 1)
    slide = np.sign(before - note.pitch) * way.glide * np.exp(-since / 0.04)
    return note.pitch + vibrato + (slide if way.glide else 0.0)


def _hummed(notes: Sequence[Sung], way: Way, chance: np.random.Generator) -> NDArray[np.float64]:
    total = int((notes[-1].end + 0.4) * RATE)
    samples = np.zeros(total)
    for before, note in pairwise([notes[0], *notes]):
        first, last = int(note.start * RATE), int(note.end * RATE)
        times = np.arange(first, last) / RATE
        pitch = _curve(note, before.pitch - 1 if before is note else before.pitch, times, way, chance.uniform(0, 6))
        pitch = pitch + 0.03 * np.cumsum(chance.normal(size=len(times))) / 60  # no voice is quite steady
        phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / RATE
        sound = sum(np.sin(k * phase) / k**1.6 for k in range(1, 9))
        rise = np.clip(np.arange(len(times)) / (0.03 * RATE), 0, 1) * np.clip(
            np.arange(len(times))[::-1] / (0.05 * RATE), 0, 1
        )
        samples[first:last] += np.asarray(sound) * rise
    return samples


def _played(notes: Sequence[Sung], way: Way, program: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Play notes with FluidSynth one at a time, as one voice: the tail of a note ends where the next begins."""
    total = int((notes[-1].end + 0.4) * RATE)
    samples = np.zeros(total)
    late = _attack(program)
    for turn in range(2):
        chosen = [(before, note) for before, note in pairwise([notes[0], *notes])][turn::2]
        heard = np.zeros(total)
        for _, note in chosen:
            first, last = int((note.start - 0.015) * RATE), int(note.end * RATE)
            heard[first:last] = 1
        heard = np.convolve(heard, np.ones(1440) / 1440, "same")  # 30 ms of fading
        sound = _rendered(
            [(before, replace(note, start=max(0, note.start - late))) for before, note in chosen], way, program, chance
        )
        samples += heard * np.pad(sound, (0, max(0, total - len(sound))))[:total]
    return samples


@cache
def _attack(program: int) -> float:
    """Return after how many seconds a note of a program has reached half of its loudness, where its onset is heard."""
    sound = np.abs(_rendered([(Sung(0, 1, 67), Sung(0, 1, 67))], CLEAN, program, np.random.default_rng(0)))
    loud = np.convolve(sound, np.ones(480) / 480, "same")
    return float(np.argmax(loud > loud.max() / 2)) / RATE


def _rendered(
    notes: Sequence[tuple[Sung, Sung]], way: Way, program: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Play notes, each with the one before it, their pitch bent every 10 ms."""
    track = MidiTrack([Message("program_change", program=program)])
    for control, value in ((101, 0), (100, 0), (6, 12), (91, 0), (93, 0)):  # bends of an octave, a dry room
        track.append(Message("control_change", control=control, value=value))
    changes: list[tuple[float, int, Message]] = []
    for before, note in notes:
        key = round(note.pitch)
        times = np.arange(note.start, note.end, 0.01)
        pitch = _curve(note, before.pitch - 1 if before is note else before.pitch, times, way, chance.uniform(0, 6))
        bends = np.clip((pitch - key) / 12 * 8192, -8192, 8191).astype(int)
        changes += [(time, 0, Message("pitchwheel", pitch=int(bend))) for time, bend in zip(times, bends, strict=True)]
        changes.append((note.start, 1, Message("note_on", note=key, velocity=90)))
        changes.append((note.end, 2, Message("note_off", note=key)))
    now = 0
    for time, _, message in sorted(changes, key=lambda change: (round(change[0] * 960), change[1])):
        tick = round(time * 960)  # at 120 quarters a minute and 480 ticks
        track.append(message.copy(time=tick - now))
        now = tick
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hum.mid")
        MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)
        wav = synthesise(path, find_soundfont(), sample_rate=RATE, timeout=60, file_bytes=1 << 28)
        data, _ = soundfile.read(wav, always_2d=True)
    return np.asarray(data.mean(axis=1), np.float64)


def as_voice_message(samples: Samples) -> bytes:
    """Encode a sound as Discord's voice messages are: OGG with Opus."""
    data = io.BytesIO()
    with soundfile.SoundFile(data, "w", RATE, 1, "OPUS", format="OGG") as file:
        for start in range(0, len(samples), 65_536):
            file.write(samples[start : start + 65_536])
    return data.getvalue()


def hums(
    tunes: Mapping[str, str], ways: Mapping[str, Way], seed: int
) -> Iterator[tuple[str, str, list[Sung], Samples]]:
    """Sing tunes in all voices and ways, each at a tempo of its own: (way, voice, notes, samples as they arrive)."""
    for number, tune in enumerate(tunes.values()):
        for singer, (name, program) in enumerate(VOICES.items()):
            for kind, (manner, way) in enumerate(ways.items()):
                chance = np.random.default_rng([seed, number, singer, kind])
                shift = {"whistle": 12, "hum": -5, "choir": -5}.get(name, 0)
                notes = sung(tune, way, chance, chance.uniform(0.42, 0.7), shift)
                data = as_voice_message(voice(notes, way, program, chance))
                yield manner, name, notes, sounds.decode(data, "hum.ogg")


def f1(notes: Sequence[Sung], samples: Samples, way: Way) -> float:
    """Return the F1 of the notes that are found.

    Who sings between the semitones all the time has no pitch but beside the others: there, all may be moved alike.
    """
    try:
        heard = humming.hear(samples)
    except ReadingError:
        return 0.0
    pitches = humming.semitones(heard)
    meant = [round(note.pitch - way.detuned) for note in notes]
    found = 0
    for moved in (-1, 0, 1) if way.detuned else (0,):
        free, hits = set(range(len(heard))), 0
        for note, pitch in zip(notes, meant, strict=True):
            near = (
                index
                for index in sorted(free)
                if abs(heard[index].start - note.start) <= NEAR and pitches[index] == pitch + moved
            )
            if (index := next(near, None)) is not None:
                free.remove(index)
                hits += 1
        found = max(found, hits)
    return 2 * found / (len(notes) + len(heard))


def main() -> None:
    """Print the F1 of each way and voice, on the tunes that were held out."""
    ways = {"clean": CLEAN, **HARD}
    by_way, by_voice = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for manner, name, notes, samples in hums(HELD_OUT, ways, seed=2):
        by_way[manner].append(f1(notes, samples, ways[manner]))
        by_voice[name].append(by_way[manner][-1])
    hard = [score for manner in HARD for score in by_way[manner]]
    for name, scores in {**by_way, "all hard ones": hard, **by_voice}.items():
        print(f"{name:15} {np.mean(scores):.3f}  worst {min(scores):.2f}  of {len(scores)}")


if __name__ == "__main__":
    main()
