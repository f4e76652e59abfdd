"""Sound that is there, is as long as its music, has its pitch and level, and says why when it is not."""

import os
import signal
import time
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import loudness
import mido
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from core.errors import AudioError
from core.music import score
from core.performing import audio, performance, synthesizer
from core.performing.audio import LOUDNESS, TRUE_PEAK, Format
from tests.processes import children

SMALL = min(audio.soundfonts(), key=lambda path: path.stat().st_size)
CHORALE = "r453-7-16-24r255-4-9-16r257-3-12-15r153r158-2-7-14r256r157-8-12-17r253-7-16-24r255-4-9-16r253-7-16-24r4"
PIECE = performance.perform(score.from_text("60-4-7-12r262r264r271-4r472-4r4", "lowest", Fraction(1, 2)), tempo=120)
FORMATS: tuple[Format, ...] = ("mp3", "wav", "flac", "ogg")


def decoded(data: bytes) -> tuple[NDArray[np.float64], int]:
    samples, rate = soundfile.read(BytesIO(data), always_2d=True)
    return samples, rate


def midi(*messages: mido.Message | mido.MetaMessage) -> bytes:
    file, data = mido.MidiFile(), BytesIO()
    file.tracks.append(mido.MidiTrack(messages))
    file.save(file=data)
    return data.getvalue()


def note(pitch: int = 60, ticks: int = 480) -> list[mido.Message]:
    return [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=ticks)]


@pytest.mark.parametrize("format", FORMATS)
def test_the_sound_lasts_as_long_as_the_music_and_is_as_loud_in_every_format(format: Format) -> None:
    samples, rate = decoded(audio.render(PIECE, format=format))
    assert len(samples) / rate == pytest.approx(performance.duration(PIECE), abs=0.1)
    assert samples.shape[1] == 2
    assert loudness.integrated_loudness(samples, rate) == pytest.approx(LOUDNESS, abs=0.3)


@pytest.mark.parametrize("instrument", ["piano", "harpsichord", "marimba", "guitar", "choir", "ceili band"])
def test_every_instrument_is_as_loud_and_no_peak_too_high(instrument: str) -> None:
    piece = score.from_text(CHORALE, "lowest", Fraction(1, 2))
    played = performance.prepare(piece, tempo=84, instrument=instrument)
    samples, rate = decoded(audio.render(played.midi(by_hand=True)))
    assert loudness.integrated_loudness(samples, rate) == pytest.approx(LOUDNESS, abs=0.3)
    assert true_peak(samples) < TRUE_PEAK
    loud = np.abs(samples).max(1) > 0.05 * np.abs(samples).max()
    assert loud.argmax() / rate < 0.3


def true_peak(samples: NDArray[np.float64]) -> float:
    """Return the highest peak in dBTP, between samples too: four times as many, through the spectrum."""
    spectrum = np.fft.rfft(samples, axis=0)
    fine = np.fft.irfft(spectrum, 4 * len(samples), axis=0) * 4
    return float(20 * np.log10(np.abs(fine).max()))


def test_one_loud_clap_does_not_make_all_the_rest_quiet() -> None:
    loud, quiet = ([mido.Message("note_on", note=60, velocity=v), *note()[1:]] for v in (127, 20))
    samples, rate = decoded(audio.render(midi(*loud, *(quiet * 12)), format="wav"))
    assert loudness.integrated_loudness(samples, rate) == pytest.approx(LOUDNESS, abs=0.3)
    assert true_peak(samples) < TRUE_PEAK


@pytest.mark.parametrize("format", FORMATS)
def test_the_file_is_what_its_name_says(format: Format) -> None:
    data = audio.render(PIECE, format=format)
    assert soundfile.info(BytesIO(data)).format == format.upper()


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_music_gives_the_same_bytes(format: Format) -> None:
    assert audio.render(PIECE, format=format) == audio.render(PIECE, format=format)


def test_a4_is_heard_at_440_hertz() -> None:
    samples, rate = decoded(audio.render(midi(mido.Message("program_change", program=73), *note(69, 1920))))
    spectrum = np.abs(np.fft.rfft(samples[: 2 * rate, 0]))
    assert np.fft.rfftfreq(2 * rate, 1 / rate)[spectrum.argmax()] == pytest.approx(440, rel=0.01)


def test_the_tail_fades_to_nothing() -> None:
    samples, rate = decoded(audio.render(PIECE, format="wav"))
    assert np.abs(samples[-rate // 50 :]).max() < 0.001


def test_midi_without_notes_is_refused() -> None:
    with pytest.raises(AudioError, match="no notes"):
        audio.render(midi())


@pytest.mark.parametrize("data", [b"", b"not music", PIECE[:40]])
def test_damaged_midi_is_refused(data: bytes) -> None:
    with pytest.raises(AudioError, match=r"damaged|no notes"):
        audio.render(data)


def test_a_note_that_lasts_for_days_is_refused_before_it_is_played() -> None:
    with pytest.raises(AudioError, match="at most 15 can be played"):
        audio.render(midi(mido.MetaMessage("set_tempo", tempo=2**24 - 1), *note(60, 2**28 - 1)))


def test_music_turned_down_to_nothing_is_called_silent() -> None:
    with pytest.raises(AudioError, match="silence"):
        audio.render(midi(mido.Message("control_change", control=7, value=0), *note()))


def test_without_fluidsynth_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match="apt-get install --no-install-recommends fluidsynth fluid-soundfont-gm"):
        audio.render(PIECE)


def test_without_a_soundfont_it_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CADENZA_SOUNDFONT", raising=False)
    monkeypatch.setattr(audio, "SOUNDFONT_FOLDERS", (tmp_path, tmp_path / "nowhere"))
    with pytest.raises(AudioError, match="fluid-soundfont-gm"):
        audio.render(PIECE)


def test_the_environment_names_a_soundfont(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    font = tmp_path / "copy.sf2"
    font.symlink_to(SMALL)
    monkeypatch.setenv("CADENZA_SOUNDFONT", str(font))
    assert audio.find_soundfont() == font


def test_the_projects_own_soundfonts_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CADENZA_SOUNDFONT", raising=False)
    font = tmp_path / "own.sf2"
    font.symlink_to(SMALL)
    monkeypatch.setattr(audio, "SOUNDFONT_FOLDERS", (tmp_path, *audio.SOUNDFONT_FOLDERS))
    assert audio.find_soundfont() == font


def test_of_the_system_s_soundfonts_fluidr3_comes_first_and_links_are_not_named_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("Another.sf2", "FluidR3_GM.sf2"):
        (tmp_path / name).write_bytes(SMALL.read_bytes()[:100])
    (tmp_path / "A-default.sf2").symlink_to(tmp_path / "FluidR3_GM.sf2")
    monkeypatch.setattr(audio, "SOUNDFONT_FOLDERS", (tmp_path / "nowhere", tmp_path))
    assert [path.name for path in audio.soundfonts()] == ["FluidR3_GM.sf2", "Another.sf2"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        (b"", "not a soundfont"),
        (b"an essay about instruments", "not a soundfont"),
        (b"RIFF\xff\xff\x00\x00sfbkLIST", "cut short"),
        (b"RIFF\x40\x00\x00\x00sfbk" + b"\x07" * 0x3C, "silence"),
    ],
)
def test_a_bad_soundfont_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    font = tmp_path / "bad.sf2"
    if content is not None:
        font.write_bytes(content)
    with pytest.raises(AudioError, match=reason) as refusal:
        audio.render(PIECE, soundfont=font)
    assert str(refusal.value).endswith(".")


def test_a_synthesizer_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    endless = tmp_path / "endless.mid"
    endless.write_bytes(midi(*note(), mido.MetaMessage("end_of_track", time=2**28 - 1)))
    synthesizer.synthesise(endless, audio.find_soundfont(), sample_rate=44_100, timeout=0.6, file_bytes=0)
    while any(str(endless) in command for command in commands()):  # a grandchild that is killed takes its time to die
        time.sleep(0.01)


def test_a_process_that_was_got_ready_plays_one_piece_and_ends() -> None:
    before = children()
    for _ in range(2):
        synthesizer.get_ready()
    [waiting] = children() - before
    assert audio.render(PIECE) == audio.render(PIECE)
    assert waiting not in children()


def test_a_process_that_died_while_it_waited_is_replaced() -> None:
    before = children()
    synthesizer.get_ready()
    [waiting] = children() - before
    os.kill(waiting, signal.SIGKILL)
    assert audio.render(PIECE)


def commands() -> list[str]:
    """Return the command lines of all processes."""
    found = []
    for process in filter(str.isdigit, (path.name for path in Path("/proc").iterdir())):
        try:
            found.append(Path("/proc", process, "cmdline").read_text())
        except OSError:  # it ended meanwhile
            continue
    return found
