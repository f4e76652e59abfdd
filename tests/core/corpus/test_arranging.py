"""Tunes for two hands: the tune stays above, and what accompanies it is of its chords."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.corpus import arranging
from core.model.notes import Entry, Notes, read_notes, write_notes
from core.music import score
from core.music.harmony import chords
from core.music.metre import Metre

REEL = "".join(f"{pitch}r2" for pitch in (67, 71, 74, 71, 67, 71, 74, 71, 69, 72, 76, 72, 69, 66, 67, 67))
JIG = "".join(f"{pitch}r2" for pitch in (67, 69, 71, 74, 71, 69, 67, 71, 74, 69, 66, 67))
NOTES = Notes(
    "highest",
    Fraction(1, 4),
    (
        *(Entry(f"reel {number}", 4 * REEL) for number in range(len(arranging.TEXTURES))),
        Entry("jig", 4 * JIG, Metre(6, 8)),
        Entry("four voices", 8 * "72-5-8-12r4"),
    ),
)


def test_each_texture_keeps_the_tune_above_chords_of_its_harmony() -> None:
    arranged = list(arranging.arrange(NOTES, 1))
    assert [entry.title for entry in arranged] == [*(f"reel {n}, arranged" for n in range(5)), "jig, arranged"]
    for entry in arranged[:5]:
        tune = score.from_text(4 * REEL, "highest", NOTES.unit)
        made = {e.onset: e.pitches for e in score.from_text(entry.text, "highest", NOTES.unit).events}
        harmony = {unit: set(chord.classes) for chord in chords(tune) for unit in range(chord.start, chord.end)}
        for event in tune.events:
            assert made[event.onset][-1] == event.pitches[-1]
            below = {pitch % 12 for pitch in made[event.onset][:-1]} - {event.pitches[-1] % 12}
            assert below <= harmony[event.onset]
        assert max(map(len, made.values())) > 1
    assert len({entry.text for entry in arranged[:5]}) == 5


def test_the_command_mixes_tunes_arrangements_and_other_music(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tunes, others, mixed = (tmp_path / name for name in ("tunes", "others", "mixed"))
    write_notes(tunes, NOTES)
    write_notes(others, Notes("highest", NOTES.unit, NOTES.pieces[-1:]))
    assert arranging.main([str(tunes), str(mixed), "--every=3", f"--beside={others}", "--times=2"]) == 0
    titles = [entry.title for entry in read_notes(mixed).pieces]
    assert titles[7:] == ["four voices", "four voices", "reel 0, arranged", "reel 3, arranged"]
    write_notes(others, Notes("lowest", NOTES.unit, ()))
    assert arranging.main([str(tunes), str(mixed), f"--beside={others}"]) == 1
    assert "of another rest unit or anchor" in capsys.readouterr().err
