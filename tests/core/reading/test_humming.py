"""Hums: notes as they are meant, a tempo that may waver, a key to lean on; and what is no singing."""

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mido import Message, MidiFile, MidiTrack

from bench import humming as hums
from bench.humming import CLEAN, HARD, Way
from core.errors import ReadingError
from core.music import score
from core.performing import audio, performance
from core.reading import humming, melody, sounds
from core.reading.humming import Sung
from core.reading.names import read_names
from core.reading.pool import listen_safely
from tests.machine import lacking

TUNE = hums.HELD_OUT["Oh Susanna"]


def voice_message(way: Way, tune: str = TUNE, seed: int = 0) -> tuple[list[Sung], bytes]:
    chance = np.random.default_rng(seed)
    notes = hums.sung(tune, way, chance, 0.5, 0)
    return notes, hums.as_voice_message(hums.voice(notes, way, None, chance))


@pytest.mark.parametrize("way", [CLEAN, *HARD.values()], ids=["clean", *HARD])
def test_notes_are_found_however_they_are_hummed(way: Way) -> None:
    notes, data = voice_message(way)
    assert hums.f1(notes, sounds.decode(data, "voice-message.ogg"), way) >= (0.9 if way == CLEAN else 0.75)


def test_a_whistle_may_swing_by_a_whole_tone_to_and_fro() -> None:
    pitches, beat = (79, 81, 83, 79, 84), 0.5
    times = np.arange(int(beat * sounds.RATE)) / sounds.RATE
    swings = np.sin(2 * np.pi * 6 * times) * np.clip(times / 0.15, 0, 1)
    loud = np.clip(times / 0.03, 0, 1) * np.clip((beat - 0.08 - times) / 0.04, 0, 1)
    tones = [np.sin(2 * np.pi * np.cumsum(440 * 2 ** ((pitch + swings - 69) / 12)) / sounds.RATE) for pitch in pitches]
    samples = np.concatenate([tone * loud for tone in tones]).astype(np.float32)
    notes = humming.hear(samples)
    assert humming.semitones(notes) == pitches
    assert [note.start for note in notes] == pytest.approx(np.arange(len(pitches)) * beat, abs=hums.NEAR)


def test_a_hum_is_a_melody_with_tempo_bars_and_rests() -> None:
    written = read_names(TUNE)
    _, data = voice_message(CLEAN)
    given = melody.from_file(data, "voice-message.ogg", listen=listen_safely)
    assert [note.pitch for note in given.melody.notes] == [note.pitch for note in written.notes]
    onsets = [[note.onset - notes[0].onset for note in notes] for notes in (given.melody.notes, written.notes)]
    assert onsets[0] == onsets[1]
    assert given.melody.metre == written.metre
    assert given.melody.key == "C major"
    assert given.melody.tempo == pytest.approx(120, abs=4)
    assert given.source == "hum"
    assert str(given.words[0]).startswith("A hum of 15 notes, at about 1")


def test_who_sings_between_the_semitones_is_moved_and_the_key_decides_what_is_unclear() -> None:
    steps = [0, 2, 4, 5, 7, 9, 11, 12]
    scale = [Sung(number, number + 0.9, 60.45 + step) for number, step in enumerate(steps)]
    assert humming.semitones(scale) == tuple(60 + step for step in steps)
    flat_third = [*scale[:2], Sung(2, 2.9, 60.45 + 3.6), *scale[3:]]
    assert humming.semitones(flat_third)[2] == 64
    sharp_fourth = [*scale[:3], Sung(3, 3.9, 60.45 + 5.55), *scale[4:]]
    assert humming.semitones(sharp_fourth)[3] == 65  # 5.55 is nearer to F sharp, which C major has not


def test_a_tempo_that_wavers_and_a_pause_are_written_with_simple_lengths() -> None:
    beats = [(0, 1), (1, 1), (2, 2), (4, 0.5), (4.5, 0.5), (5, 1), (7, 1), (8, 3)]
    notes, now = [], 0.0
    for number, (beat, length) in enumerate(beats):
        pace = 0.6 * (1 + 0.12 * np.sin(number))
        after = beats[number + 1][0] if number + 1 < len(beats) else beat + length
        notes.append(Sung(now, now + length * pace * 0.95, 60))
        now += (after - beat) * pace
    tune = humming.on_grid(notes, [60] * len(notes))
    assert [note.onset - tune.notes[0].onset for note in tune.notes] == [Fraction(beat) for beat, _ in beats]
    assert [note.length for note in tune.notes] == [Fraction(length) for _, length in beats]  # and a rest at 6


def test_long_notes_begin_bars() -> None:
    waltz = read_names("3/4 G4 | C5*2 E5 | D5*2 C5 | E5*2 C5 | G5*3")
    notes = [Sung(float(n.onset), float(n.end) - 0.05, n.pitch) for n in waltz.notes]
    tune = humming.on_grid(notes, [note.pitch for note in waltz.notes])
    assert str(tune.metre) == "3/4"
    assert tune.notes[:-1] == waltz.notes[:-1]


def said_of(samples: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", rate: int = 48_000) -> str:
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format="WAV", subtype="FLOAT")
    with pytest.raises(ReadingError) as caught:
        humming.listen(sounds.decode(data.getvalue(), "sound.wav"))
    return str(caught.value)


def test_what_is_no_singing_gets_a_sentence() -> None:
    chance = np.random.default_rng(0)
    assert "This is silent." in said_of(np.zeros(48_000, np.float32))
    assert "noises, drums or a band" in said_of(chance.normal(0, 0.1, 96_000).astype(np.float32))
    one = hums.voice([Sung(0.2, 2, 60)], CLEAN, None, chance)
    assert "too little of a melody" in said_of(one)
    drums = MidiTrack()
    for number in range(40):
        drums.append(Message("note_on", channel=9, note=(36, 42, 38, 42)[number % 4], velocity=100))
        drums.append(Message("note_off", channel=9, note=(36, 42, 38, 42)[number % 4], time=240))
    beaten = io.BytesIO()
    MidiFile(tracks=[drums]).save(file=beaten)
    chords = score.from_text("48-16-19-24r253-12-16-21r255-8-16-23r248-12-16-24r4" * 2, "lowest", Fraction(1, 2))
    hymn = performance.perform(chords, instrument="strings", expression=0)
    for midi, sentence in (
        (beaten.getvalue(), "no single voice"),
        (hymn, "no single voice|several voices or instruments at once"),
    ):
        with pytest.raises(ReadingError, match=sentence):
            humming.listen(sounds.decode(audio.render(midi, format="mp3"), "band.mp3"))


def test_speech_is_no_singing(tmp_path: Path) -> None:
    wav = tmp_path / "speech.wav"
    try:
        subprocess.run(["espeak-ng", "-w", wav, "Hello everybody, I am just talking about the weather."], check=True)
    except FileNotFoundError:
        lacking("eSpeak is not installed (Debian: espeak-ng).")
    with pytest.raises(ReadingError, match="sounds like speech"):
        humming.listen(sounds.decode(wav.read_bytes(), wav.name))
