"""MusicXML, compressed or not: counted and checked as a tree, then read by music21."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from itertools import zip_longest
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml import ElementTree, EntitiesForbidden

from core.errors import ReadingError, mark
from core.music.piece import Bar, Budget, Printed, Sign, clean_title, damaged, too_long, too_many, too_slow
from core.reading.starts import decode
from core.reading.through_music21 import bar_lines, collect_notes, music21_on

# What a reader of notes leaves out anyway, and what makes music21 slow or fail.
_BALLAST: Final = {
    "harmony",
    "figured-bass",
    "direction",
    "lyric",
    "print",
    "sound",
    "beam",
    "credit",
    "defaults",
}
_SOUNDS: Final[dict[str, Sign]] = {
    "segno": "segno",
    "coda": "coda",
    "tocoda": "to coda",
    "fine": "fine",
    "dacapo": "da capo",
    "dalsegno": "dal segno",
}
_MOST: Final = {  # of numbers over which music21 would count for minutes
    "fifths": 11,
    "chromatic": 127,
    "diatonic": 127,
    "octave-change": 10,
    "alter": 9,
    "actual-notes": 999,
    "normal-notes": 999,
}
_NUMBER: Final = re.compile(r"\s*\d{1,9}(\.\d{1,9})?\s*")


def read_musicxml(data: bytes, title: str, budget: Budget) -> Printed:
    """Read a MusicXML document. Raises ReadingError."""
    root = _document(data, budget)
    _check(root, budget)
    marks = _marks(root)
    named = clean_title(root.findtext("work/work-title") or root.findtext("movement-title") or "")
    title = named.removesuffix(".mxl").removesuffix(".xml") or title  # some programs name the score by its file
    tempo = next((_number(sound.get("tempo"), Fraction(0)) for sound in root.iterfind(".//sound[@tempo]")), Fraction(0))
    transposing = root.find(".//transpose") is not None
    for element in list(root.iter()):
        for child in [child for child in element if _is_ballast(child, element)]:
            element.remove(child)
    with music21_on("MusicXML"):
        from music21.musicxml.xmlToM21 import MusicXMLImporter

        importer = MusicXMLImporter()
        importer.xmlRootToScore(root, importer.stream)
        score = importer.stream.toSoundingPitch() if transposing else importer.stream
        bars = bar_lines(score)
        if len(bars) == len(marks):
            pairs = zip(bars, marks, strict=True)
            bars = [replace(bar, signs=mark.signs, endings=mark.endings, times=mark.times) for bar, mark in pairs]
        return collect_notes(score, title, bars, budget, float(tempo))


def _is_ballast(element: Element, parent: Element) -> bool:
    return element.tag in _BALLAST or (parent.tag == "notations" and element.tag != "fermata")


def unpack_mxl(data: bytes, budget: Budget) -> bytes:
    """Return the score within a compressed MusicXML file, counting while unpacking. Raises ReadingError."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive, archive.open(_root_file(archive)) as file:
            content = file.read(budget.unpacked_bytes + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise damaged(mark("compressed MusicXML"), mark("it cannot be unpacked")) from error
    if len(content) > budget.unpacked_bytes:
        raise _too_large(budget)
    return content


def _root_file(archive: zipfile.ZipFile) -> str:
    """Return the name of the score, as META-INF/container.xml has it, or the first that could be one."""
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        with archive.open("META-INF/container.xml") as file:
            named = re.search(r'full-path\s*=\s*["\']([^"\']+)', decode(file.read(1 << 16)))
        if named and named[1] in names:
            return named[1]
    for name in names:
        if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF/"):
            return name
    raise ReadingError(
        "This zip archive holds no MusicXML score. Choose a .mxl file, or the score by itself.", mark("not music")
    )


def _document(data: bytes, budget: Budget) -> Element:
    """Parse XML that is small enough, harmless, and a score. Raises ReadingError."""
    if len(data) > budget.unpacked_bytes:
        raise _too_large(budget)
    text = decode(data)
    if (elements := text.count("<note>") + text.count("<note ")) > 2 * budget.notes:  # rests are notes here
        raise too_many(mark("notes"), elements, budget.notes)
    root = _tree(text)
    if root.tag == "score-timewise":
        raise ReadingError(
            "This MusicXML file goes by measures (score-timewise). Export it as score-partwise.",
            mark("score-timewise"),
        )
    if root.tag != "score-partwise":
        raise ReadingError("This XML file is not a MusicXML score. Export the score as MusicXML.", mark("not music"))
    return root


def _tree(text: str) -> Element:
    """Parse XML without entities of its own and without opening anything. Raises ReadingError."""
    try:
        root: Element = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise damaged("XML", mark("its parser says “{error}”", error=error)) from error
    except EntitiesForbidden:
        raise ReadingError(
            "This XML file defines entities, which scores have no use for and bombs are made of. Export it again.",
            mark("XML entities"),
        ) from None
    return root


def _check(root: Element, budget: Budget) -> None:
    """Hold the score to the budget, and its time signatures to what they can be."""
    parts = root.findall("part")
    if len(parts) > budget.tracks:
        raise too_many(mark("parts"), len(parts), budget.tracks)
    if (notes := sum(note.find("rest") is None for note in root.iter("note"))) > budget.notes:
        raise too_many(mark("notes"), notes, budget.notes)
    if (bars := max((len(part.findall("measure")) for part in parts), default=0)) > budget.quarters:
        raise too_many(mark("bars"), bars, budget.quarters)
    for time in root.iterfind("part/measure/attributes/time"):
        for beats, kind in zip(time.findall("beats"), time.findall("beat-type"), strict=False):
            name = f"{(beats.text or '').strip()}/{(kind.text or '').strip()}"
            if not re.fullmatch(r"\d{1,2}(\+\d{1,2}){0,5}/(1|2|4|8|16|32|64)", name):
                raise damaged("MusicXML", mark("it has a time signature {name!r}", name=clean_title(name)))
    for tag, most in _MOST.items():
        for element in root.iter(tag):
            number = (element.text or "").strip()
            if not re.fullmatch(r"-?\d{1,4}(\.\d+)?", number) or abs(float(number)) > most:
                what = mark("it has {number} {tag}", number=repr(clean_title(number)), tag=tag)
                raise damaged("MusicXML", what)
    lengths = [list(_lengths(part)) for part in parts]
    quarters = max((sum(part) for part in lengths), default=Fraction(0))
    if quarters > budget.quarters:
        raise too_long(float(quarters), budget)
    if parts and (seconds := _seconds(parts[0], lengths[0])) > budget.seconds:
        raise too_slow(seconds, budget)


def _marks(root: Element) -> list[Bar]:
    """Return what the measures say of the order in which they are played, whatever part says it; nowhere yet."""
    marks = list[Bar]()
    turns: tuple[int, ...] = ()
    for measures in zip_longest(*(part.findall("measure") for part in root.findall("part"))):
        present = [measure for measure in measures if measure is not None]
        endings = [ending for measure in present for ending in measure.iterfind("barline/ending")]
        begun = [ending.get("number", "") for ending in endings if ending.get("type") == "start"]
        turns = tuple(sorted({int(number) for text in begun for number in re.findall(r"\d{1,2}", text)})) or turns
        backward = [measure.find("barline/repeat[@direction='backward']") for measure in present]
        times = max((_times(repeat) for repeat in backward if repeat is not None), default=0)
        signs = {sign for measure in present for sign in _signs(measure)}
        marks.append(Bar(0, 0, "", tuple(sorted(signs)), turns, times))
        if any(ending.get("type") in ("stop", "discontinue") for ending in endings):
            turns = ()
    return marks


def _times(repeat: Element) -> int:
    """Return how often a section is played that ends with a repeat."""
    times = repeat.get("times", "2")
    return min(int(times), 99) if re.fullmatch("[0-9]{1,9}", times) else 2


def _signs(measure: Element) -> Iterator[Sign]:
    if measure.find("barline/repeat[@direction='forward']") is not None:
        yield "opens"
    for sound in measure.iter("sound"):
        for attribute, sign in _SOUNDS.items():
            if sound.get(attribute) not in (None, "no"):
                yield sign


def _lengths(part: Element) -> Iterator[Fraction]:
    """Measure the bars of a part, in quarters, as they are filled."""
    divisions = Fraction(1)
    for measure in part.iterfind("measure"):
        place = furthest = Fraction(0)
        for element in measure:
            if element.tag == "attributes":
                divisions = _number(element.findtext("divisions"), divisions)
                if not divisions:
                    raise damaged("MusicXML", mark("a quarter note has no divisions"))
            elif (
                element.tag in ("note", "forward", "backup")
                and element.find("chord") is None
                and element.find("grace") is None
            ):
                step = _number(element.findtext("duration"), Fraction(0)) / divisions
                place = max(place - step, Fraction(0)) if element.tag == "backup" else place + step
                furthest = max(furthest, place)
        yield furthest


def _seconds(part: Element, lengths: list[Fraction]) -> float:
    """Return how long a part sounds at the tempos that stand in it, each from its measure on; 0 where none does."""
    seconds = tempo = 0.0
    for measure, length in zip(part.iterfind("measure"), lengths, strict=True):
        for sound in measure.iter("sound"):
            tempo = float(_number(sound.get("tempo"), Fraction(0))) or tempo
        seconds += float(length) * 60 / tempo if tempo else 0
    return seconds


def _number(text: str | None, default: Fraction) -> Fraction:
    """Read a plain decimal number, which rules out 1e999999999. Raises ReadingError."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise damaged("MusicXML", mark("{text!r} is not a duration", text=clean_title(text)[:20]))
    return Fraction(text.strip())


def _too_large(budget: Budget) -> ReadingError:
    return ReadingError(
        "This score is larger than {most} MiB. Choose a shorter one.",
        mark("file too large"),
        most=budget.unpacked_bytes >> 20,
    )
