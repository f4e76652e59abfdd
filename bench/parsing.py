"""How fast a folder of MIDI files becomes notes: ours against music21, pretty_midi and mido, one run, same notes."""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

from bench.table import Row
from core.corpus.collect import CollectSettings, collect
from core.corpus.families import find_families
from core.errors import ReadingError
from core.model.notes import read_notes
from core.music.notation import Anchor
from core.music.piece import Bar, Budget, Printed, printed
from core.music.score import Score, from_text, to_text
from core.performing.performance import perform
from core.reading.formats import read
from core.reading.playing import play
from core.reading.through_music21 import collect_notes

FILES: Final = 1_000
PIECES: Final = 40  # real ones; the other files are these in other keys
ROUNDS: Final = 3

_UNIT: Final = Fraction(1, 4)
_ANCHOR: Final[Anchor] = "lowest"
_SETTINGS: Final = CollectSettings(rest_unit="1/4", anchor=_ANCHOR, workers=1)
_TUNES: Final = Path(__file__).parent.parent / "models" / "fiddle" / "notes.txt"


def rows() -> list[Row]:
    """Measure, and check that each peer finds the notes that we find. Raises AssertionError where it does not."""
    with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as name:
        folder = Path(name)
        originals = _write_collection(folder)
        ours = statistics.median(_collect(folder) for _ in range(ROUNDS))
        table = []
        for peer, reader, goal in (
            ("music21", _music21, 50),
            ("pretty_midi", _pretty_midi, None),
            ("mido", _mido, None),
        ):
            if importlib.util.find_spec(peer) is None:
                continue
            seconds = _read_all(originals, reader) * FILES / len(originals)
            table.append(Row(f"1,000 MIDI files parsed: {peer}", ours, seconds, seconds / ours, "s", goal))
        return [*table, _memory_row()]


def _memory_row() -> Row:
    """Compare what 250 files take with what 1,000 take, all of them different tunes, so that each one is kept.

    What is measured is the resident memory, at its most, of the collecting process alone: that is where pieces, report
    and what is known of versions grow, above some 47 MB of Python and its libraries. A reader is a process of its own,
    which forgets each file; its memory is not counted.
    """
    with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as name:
        folder = Path(name)
        _write_tunes(folder)
        many, few = _memory(folder), _memory(_quarter(folder))
    return Row("memory to read 1,000 different tunes: 250 of them", many, few, few / many, "MB", 0.9)


def _write_collection(folder: Path) -> list[Path]:
    """Write real pieces as MIDI in many keys, 1,000 different files, and return the pieces in their own keys."""
    originals = []
    for number, score in enumerate(_real_pieces()):
        for semitones in range(FILES // PIECES):
            path = folder / f"{number:02} {semitones:02}.mid"
            path.write_bytes(perform(score.transposed(semitones - FILES // PIECES // 2), tempo=96))
            if semitones == FILES // PIECES // 2:
                originals.append(path)
    return originals


def _write_tunes(folder: Path) -> None:
    """Write as MIDI 1,000 of the fiddle model's pieces, of which none is a version of another."""
    notes = read_notes(_TUNES)
    families = find_families((entry.text for entry in notes.pieces), notes.anchor)
    for number in sorted(set(families))[:FILES]:
        tune = from_text(notes.pieces[number].text, notes.anchor, notes.unit)
        (folder / f"{number:04}.mid").write_bytes(perform(tune, tempo=112))


def _real_pieces() -> Iterator[Score]:
    """Read the first Bach chorales of music21's corpus that are in two or four."""
    import music21

    found = 0
    for path in sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("*.mxl")):
        with suppress(ReadingError):
            yield play(read(path.read_bytes(), path.name).pieces[0]).score(_UNIT)
            found += 1
        if found == PIECES:
            return


def _collect(folder: Path) -> float:
    """Return the seconds that our whole reading of a collection takes, without a cache: report, duplicates and all."""
    start = time.perf_counter()
    collection = collect(folder, _SETTINGS, progress=_no_bar)
    seconds = time.perf_counter() - start
    assert len(collection.report) == len(list(folder.rglob("*.mid")))
    assert not [line for line in collection.report if line.kind not in ("", "duplicate", "version")]
    return seconds


def _quarter(folder: Path) -> Path:
    """Return a folder with every fourth file of another one."""
    part = folder / "part"
    part.mkdir()
    for path in sorted(folder.glob("*.mid"))[::4]:
        (part / path.name).hardlink_to(path)
    return part


def _memory(folder: Path) -> float:
    """Return the most memory that the collecting process has at once, in MB, without its readers."""
    command = [sys.executable, "-m", "bench.parsing", str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _no_bar(*_files: int) -> None:
    """Show no progress."""


def _read_all(paths: list[Path], reader: Callable[[Path], Printed]) -> float:
    """Return the seconds that a peer takes for some files, up to their texts, which must be ours."""
    ours = [to_text(play(read(path.read_bytes(), path.name).pieces[0]).score(_UNIT), _ANCHOR) for path in paths]
    reader(paths[0])  # imports and first calls are no part of it
    start = time.perf_counter()
    theirs = [to_text(play(reader(path)).score(_UNIT), _ANCHOR) for path in paths]
    seconds = time.perf_counter() - start
    assert theirs == ours
    return seconds


def _music21(path: Path) -> Printed:
    from music21 import converter, meter

    parser = converter.Converter()
    parser.parseFile(path, format="midi", forceSource=True, storePickle=False)
    metres = tuple(signature.ratioString for signature in parser.stream[meter.TimeSignature])
    _check(metres)
    return collect_notes(parser.stream, path.stem, [Bar(0, 0)], Budget())


def _pretty_midi(path: Path) -> Printed:
    import pretty_midi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        midi = pretty_midi.PrettyMIDI(str(path))
    metres = tuple(f"{change.numerator}/{change.denominator}" for change in midi.time_signature_changes)
    _check(metres)
    notes = [note for instrument in midi.instruments if not instrument.is_drum for note in instrument.notes]
    onsets = [(midi.time_to_tick(note.start), note.pitch) for note in notes]
    length = max(midi.time_to_tick(note.end) for note in notes)
    return printed(path.stem, onsets, length, (Bar(0, length),), midi.resolution)


def _mido(path: Path) -> Printed:
    from mido import MidiFile

    midi = MidiFile(path)
    onsets, length, metres = list[tuple[int, int]](), 0, list[str]()
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                metres.append(f"{message.numerator}/{message.denominator}")
            elif message.type in ("note_on", "note_off") and message.channel != 9:
                if message.type == "note_on" and message.velocity:
                    onsets.append((now, message.note))
                length = max(length, now)
    _check(tuple(metres))
    return printed(path.stem, onsets, length, (Bar(0, length),), midi.ticks_per_beat)


def _check(metres: tuple[str, ...]) -> None:
    assert all(metre.partition("/")[0] in ("2", "4") for metre in metres)


if __name__ == "__main__":
    collected = collect(Path(sys.argv[1]), _SETTINGS, progress=_no_bar)
    assert all(line.kept for line in collected.report)
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1000)  # getrusage would begin with the parent's memory
