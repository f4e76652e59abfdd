"""MIDI files: checked byte by byte where that is cheap, then read by symusic."""

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick

from core.errors import ReadingError, mark
from core.music import grid
from core.music.metre import is_metre
from core.music.piece import Bar, Budget, Printed, clean_title, damaged, too_long, too_many, too_slow
from core.music.tempo import marked

ADDED: Final = " (added by Cadenza)"  # ends the names of tracks that Cadenza has written and no piece consists of

_END: Final = b"\xff\x2f\x00"  # of a track
_CLOCK: Final = 2**31  # ticks; symusic's clock has 32 bits and starts again below zero


def read_midi(data: bytes, title: str, budget: Budget) -> Printed:
    """Read a MIDI file, and put right what is late or swings as a whole. Raises ReadingError."""
    tracks = _check_header(data, budget)
    if _most_ticks(data) >= _CLOCK and max(map(_ticks, tracks)) >= _CLOCK:
        raise ReadingError(
            "This MIDI file lasts for weeks: its silences are far too long. Choose another.", mark("too long")
        )
    score = _parse(data, tracks, budget)
    if score.note_num() > budget.notes:
        raise too_many(mark("notes"), score.note_num(), budget.notes)
    _check_times(score, budget)
    tracks_heard = [track for track in score.tracks if not track.is_drum and len(track.notes)]
    tracks_heard = [track for track in tracks_heard if not track.name.endswith(ADDED)] or tracks_heard
    tables = [track.notes.numpy() for track in tracks_heard]
    if not tables:
        if not score.note_num():
            raise _silent()
        raise ReadingError(
            "There are no notes in this MIDI file but those of the drums (channel 10). Choose one with a melody.",
            mark("only percussion"),
        )
    onsets = np.concatenate([table["time"] for table in tables]).astype(np.int64)
    lengths = np.concatenate([table["duration"] for table in tables]).astype(np.int64)
    pitches = np.concatenate([table["pitch"] for table in tables]).astype(np.int16)
    parts = np.repeat(np.arange(len(tables), dtype=np.int16), [len(table["time"]) for table in tables])
    quarter = score.ticks_per_quarter
    late = grid.lateness(onsets, quarter)
    ends, onsets = onsets + lengths - late, np.maximum(onsets - late, 0)
    if swing := grid.swing(onsets, quarter):
        onsets, ends = (grid.straightened(ticks, quarter, swing) for ticks in (onsets, ends))
    lengths, length = np.maximum(ends - onsets, 0), int(ends.max())
    order = np.lexsort((pitches, onsets))
    onsets, pitches, lengths, parts = onsets[order], pitches[order], lengths[order], parts[order]
    names = tuple(clean_title(track.name) for track in tracks_heard)
    passages = _passages(score, onsets, length, late)
    return Printed(
        title,
        onsets,
        pitches,
        lengths,
        parts,
        quarter,
        length,
        passages,
        names,
        late=late,
        swing=swing,
        tempo=_tempo(score, length),
        free=grid.is_free(onsets, quarter),
    )


def _check_header(data: bytes, budget: Budget) -> list[bytes]:
    """Refuse what symusic would read as something else, or not at all; return the contents of the track chunks."""
    if len(data) < 14 or int.from_bytes(data[4:8]) < 6:
        raise damaged("MIDI", mark("it ends within its header"))
    form, division = int.from_bytes(data[8:10]), int.from_bytes(data[12:14])
    if form == 2:
        raise ReadingError(
            "This MIDI file is of format 2, independent patterns without an order. Export it as format 0 or 1.",
            mark("MIDI format 2"),
        )
    if form > 2:
        raise damaged("MIDI", mark("its header names a format {format}", format=form))
    if division & 0x8000:
        raise ReadingError(
            "This MIDI file counts film frames (SMPTE) instead of quarters. Export it with ticks per quarter note.",
            mark("SMPTE time"),
        )
    if division == 0:
        raise damaged("MIDI", mark("its header gives a quarter note no ticks"))
    tracks = _tracks(data)
    if len(tracks) > budget.tracks:
        raise too_many(mark("tracks"), len(tracks), budget.tracks)
    if not tracks:
        raise _silent()
    return tracks


def _silent() -> ReadingError:
    return ReadingError("There are no notes in this MIDI file. Choose another.", mark("no notes"))


def _tracks(data: bytes) -> list[bytes]:
    """Return the contents of the track chunks, as many as the header declares; what is no chunk ends the file.

    Raises ReadingError where the file ends within a track.
    """
    found = list[bytes]()
    place, declared = 8 + int.from_bytes(data[4:8]), int.from_bytes(data[10:12])
    while place + 8 <= len(data) and len(found) < declared:
        start, end = place + 8, place + 8 + int.from_bytes(data[place + 4 : place + 8])
        is_track = data[place : place + 4] == b"MTrk"
        if end > len(data):
            if is_track:
                raise damaged("MIDI", mark("it was cut off within track {track}", track=len(found) + 1))
            break
        if is_track:
            found.append(data[start:end])
        place = end
    return found


def _parse(data: bytes, tracks: list[bytes], budget: Budget) -> ScoreTick:
    """Parse tracks, with all their notes up to one too many. Raises ReadingError.

    symusic pairs note-ons with note-offs in their order, and drops those that are left over: of two note-ons with one
    note-off between them the later one, and all without a note-off. So note-offs are added until no more notes appear.
    """
    try:
        score = ScoreTick.from_midi(_joined(data, tracks))
        counts, offs = _counts(score), np.ones(128, np.int64)
        while True:
            releases = _releases(offs)
            score = ScoreTick.from_midi(_joined(data, [_released(track, releases) for track in tracks]))
            before, counts = counts, _counts(score)
            if (counts == before).all() or counts.sum() > budget.notes:
                return score
            offs[counts > before] *= 2
    except (RuntimeError, ValueError) as error:
        raise damaged("MIDI", mark("its events cannot be read")) from error


def _counts(score: ScoreTick) -> NDArray[np.int64]:
    """Count the notes of each pitch."""
    counts = np.zeros(128, np.int64)
    for track in score.tracks:
        counts += np.bincount(track.notes.numpy()["pitch"], minlength=128)
    return counts


def _releases(offs: NDArray[np.int64]) -> bytes:
    """Write so many note-offs for each pitch, on every channel, each followed by the delta 0 of the next event."""
    pitches = np.tile(np.repeat(np.arange(128), offs), 16)
    channels = 0x80 | np.arange(16).repeat(len(pitches) // 16)
    nothing = np.zeros_like(pitches)
    return np.stack([channels, pitches, nothing, nothing], 1).astype(np.uint8).tobytes()


def _released(track: bytes, releases: bytes) -> bytes:
    """Put note-offs before the end of a track."""
    return track.removesuffix(_END) + releases + _END if track.endswith(_END) else track


def _joined(data: bytes, tracks: list[bytes]) -> bytes:
    """Write a file of these tracks alone, with the format and division of another."""
    header = b"MThd" + (6).to_bytes(4) + data[8:10] + len(tracks).to_bytes(2) + data[12:14]
    return header + b"".join(b"MTrk" + len(track).to_bytes(4) + track for track in tracks)


def _most_ticks(data: bytes) -> int:
    """Bound the ticks of a file from above by what its bytes could hold at most, quickly.

    Seven bits a byte: a delta of four bytes has three with the high bit set before one without.
    """
    high = np.frombuffer(data, np.uint8) >= 0x80
    ends = ~high
    one = ends[1:] & high[:-1]
    two = one[1:] & high[:-2]
    three = two[1:] & high[:-3]
    return sum(int(np.count_nonzero(mask)) << bits for mask, bits in ((ends, 7), (one, 14), (two, 21), (three, 28)))


def _ticks(track: bytes) -> int:
    """Add up the deltas of a track, event by event. Raises ReadingError."""
    place = total = status = 0

    def number() -> int:
        nonlocal place
        value = 0
        for _ in range(4):
            byte = track[place]
            place += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise damaged("MIDI", mark("a number in it has more than four bytes"))

    try:
        while place < len(track):
            total += number()
            if track[place] >= 0x80:
                status = track[place]
                place += 1
            if status == 0xFF:
                place += 1
            if status in (0xF0, 0xF7, 0xFF):
                length = number()
                place += length
            else:
                place += 1 if 0xC0 <= status < 0xE0 else 2
    except IndexError as error:
        raise damaged("MIDI", mark("a track ends within an event")) from error
    return total


def _tempo(score: ScoreTick, length: int) -> float:
    """Return the tempo that holds for longest, of those that stand in the file; 0 where none does."""
    tempos = score.tempos.numpy()
    if not len(tempos["time"]):
        return 0
    order = np.argsort(tempos["time"], kind="stable")
    held = np.diff(tempos["time"][order].astype(np.int64).clip(0, length), append=length)
    found, places = np.unique(tempos["mspq"][order], return_inverse=True)
    return marked(60e6 / float(found[np.bincount(places, held).argmax()]))


def _check_times(score: ScoreTick, budget: Budget) -> None:
    """Refuse pieces that last too long, in quarters or at the tempos of the file."""
    end = score.end()
    if (quarters := end / score.ticks_per_quarter) > budget.quarters:
        raise too_long(quarters, budget)
    tempos = score.tempos.numpy()
    order = np.argsort(tempos["time"], kind="stable")
    changes = np.minimum(np.concatenate([[0], tempos["time"][order], [end]]).astype(np.int64), end)
    microseconds = np.concatenate([[500_000], tempos["mspq"][order]]).astype(np.float64)  # 120 a minute to begin with
    seconds = float(np.diff(changes) @ microseconds) / score.ticks_per_quarter / 1e6
    if seconds > budget.seconds:
        raise too_slow(seconds, budget)


def _passages(score: ScoreTick, onsets: NDArray[np.int64], length: int, late: int) -> tuple[Bar, ...]:
    """Return the passages of one time signature each, up to the last onset; it is 4/4 where there is none.

    Of several at one tick that one holds which the bars of the music agree with, or else the latest; one whose bars
    cannot be counted holds only where it is alone. Where all is in 1/4, whoever wrote it knew its beats and not its
    bars: it counts as without any.
    """
    at = dict[int, list[str]]()
    for signature in sorted(score.time_signatures, key=lambda signature: signature.time):
        name = f"{signature.numerator}/{signature.denominator}"
        is_late = signature.time % score.ticks_per_quarter != 0  # as the notes are
        time = max(0, signature.time - late) if is_late else signature.time
        if time <= onsets[-1]:
            if not signature.numerator or not signature.denominator:
                raise damaged("MIDI", mark("a time signature in it reads {name}", name=name))
            at.setdefault(time, []).append(name)
    at = {time: list(filter(is_metre, names)) or names for time, names in at.items()}
    at = at if 0 in at else {0: ["4/4"], **at}
    if all(names == ["1/4"] for names in at.values()):
        at = {0: ["4/4"]}
    return tuple(
        Bar(start, end, max(reversed(names), key=lambda name: _agreement(name, onsets, start, end, score)))
        for (start, names), end in zip(at.items(), [*list(at)[1:], length], strict=True)
    )


def _agreement(name: str, onsets: NDArray[np.int64], start: int, end: int, score: ScoreTick) -> tuple[bool, float]:
    """Tell whether bars of a time signature fill a passage, and how many notes begin at a bar line in the mean."""
    numerator, _, denominator = name.partition("/")
    bar = Fraction(4 * int(numerator) * score.ticks_per_quarter, int(denominator))
    places = onsets[(onsets >= start) & (onsets < end)] - start
    lines = int(places.max(initial=0) / bar) + 1
    return (end - start) % bar == 0, np.count_nonzero(places * bar.denominator % bar.numerator == 0) / lines
