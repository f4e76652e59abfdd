"""A piece as a film: its piano roll, a head that moves over it, notes that light up as they sound, and its sound.

MP4 with H.264 and AAC, which every client of Discord plays in the message: `yuv420p`, its index in front. Of a page of
eight bars only the head, the notes that sound and their keys change, so that encoding costs little; a picture that
scrolls costs about three times as much. PyAV, which holds FFmpeg, encodes, in a process of its own that is killed
at its limits.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.drawing import roll
from core.drawing.canvas import BACKGROUND, FAINT, GRID, TEXT, Canvas, Colour, legible, mix, shortened, text_width
from core.drawing.roll import System
from core.errors import PictureError
from core.music.score import Score
from core.performing.performance import Performance, Sounding
from core.processes.child import Broken, Child, Died, Late
from core.processes.launching import Limits

WIDTH, HEIGHT = 640, 360  # pixels, as all lengths
RATE: Final = 15  # frames a second

_BARS_PER_PAGE: Final = 8
_SEMITONES: Final = 22  # drawn at least
_ROLL: Final = (58, 336)  # top and bottom
_KEYS: Final = (10, 44)  # left and right
_RIGHT: Final = WIDTH - 10
_RAIL: Final = (346, 349)  # how much of the piece is over
_HEAD: Final = 2
_GLOW: Final = 3  # around a note that sounds
_WHITE: Final[Colour] = (255, 255, 255)
_AHEAD: Final = 0.42  # share of its colour that a note has before it sounds
_LIT: Final = 0.45  # share of white in the colour of a note that sounds
_FADING: Final = 0.2  # seconds in which a note that was struck loses most of its light
_HELD: Final = 0.6  # share of its light that it keeps

# x264's constant quality, of which 18 is as good as the original and 28 shows; a key frame every ten seconds.
H264: Final = {"preset": "veryfast", "tune": "animation", "crf": "21", "g": "150", "threads": "1"}
_AAC: Final = {"aac_coder": "fast"}  # a third of the time of the usual one
_SOUND_BITS: Final = 128_000  # a second
MEMORY: Final = 2 << 30  # bytes of address space


def available() -> bool:
    """Tell whether films can be made here."""
    return find_spec("av") is not None


def check() -> None:
    """Raise PictureError where no films can be made."""
    if not available():
        raise PictureError("Films need the extra film, which is not installed: pip install 'cadenza[film]'.")


def film(played: Performance, sound: bytes, *, primer_events: int = 0, title: str = "", credit: str = "") -> bytes:
    """Film a piece that is played, with its sound as WAV: an MP4 as long as the sound.

    The `title` stands above it at the left, the `credit` at the right; the first `primer_events` events are grey. The
    same input gives the same bytes on one machine. Raises PictureError.
    """
    check()
    if not played.interpretation.score.events:
        raise PictureError("There are no notes to draw.")
    seconds = soundfile.info(BytesIO(sound)).duration
    timeout = 20 + seconds
    child = Child(Limits(cpu_seconds=timeout, memory=MEMORY, threads=1, file_bytes=1 << 30))
    try:
        return child.call(4 * timeout, _film, played, sound, primer_events, title, credit)
    except Late:
        raise PictureError("The film took too long and was stopped. Try again, or film a shorter piece.") from None
    except (Died, Broken) as error:
        raise PictureError("The film's encoder crashed. Try again, or film a shorter piece.") from error
    finally:
        child.end()


def _film(played: Performance, sound: bytes, primer_events: int, title: str, credit: str) -> bytes:
    samples, rate = soundfile.read(BytesIO(sound), dtype="float32", always_2d=True)
    scene = Scene(played, primer_events, title, credit)
    return encode(scene.frames(len(samples) / rate), samples, rate)


Plane = NDArray[np.float32]
Frame = NDArray[np.uint8]
Samples = NDArray[np.float32]  # (frames, channels)


@dataclass(frozen=True)
class _Picture:
    """Hold brightness and the two differences of colour, these at half the size, as films have them."""

    planes: tuple[Plane, Plane, Plane]

    @classmethod
    def of(cls, image: Image.Image) -> Self:
        """Convert a picture of red, green and blue (ITU-R BT.601, from 16 to 235 and 16 to 240)."""
        full = [np.asarray(band, np.float32) for band in image.convert("YCbCr").split()]
        luma = 16 + full[0] * (219 / 255)
        blue, red = (128 + (band - 128) * (224 / 255) for band in full[1:])
        return cls((luma, _halved(blue), _halved(red)))

    def copy(self) -> "_Picture":
        luma, blue, red = self.planes
        return _Picture((luma.copy(), blue.copy(), red.copy()))

    def take(self, other: "_Picture", left: int, right: int) -> None:
        """Take over the columns of another picture; both ends are even."""
        for plane, theirs, size in zip(self.planes, other.planes, (1, 2, 2), strict=True):
            plane[:, left // size : right // size] = theirs[:, left // size : right // size]

    def frame(self) -> Frame:
        """Return the planes one behind the other, as yuv420p lies in memory."""
        flat = np.concatenate([plane.ravel() for plane in self.planes])
        return np.asarray(np.rint(flat), np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)


def _halved(plane: NDArray[np.floating]) -> Plane:
    rows, columns = plane.shape
    return np.asarray(plane.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3)), np.float32)


class _Stencil:
    """Lay a colour over a picture where a shape is; its place is even."""

    def __init__(self, image: Image.Image, left: int, top: int, colour: Colour) -> None:
        mask: Plane = np.asarray(image, np.float32) / np.float32(255)
        self._masks: tuple[Plane, Plane, Plane] = (mask, _halved(mask), _halved(mask))
        self._left, self._top = left, top
        self._colour = tuple(float(plane[0, 0]) for plane in _Picture.of(Image.new("RGB", (2, 2), colour)).planes)

    def lay(self, picture: _Picture, strength: float) -> None:
        mask: Plane
        for plane, mask, value, size in zip(picture.planes, self._masks, self._colour, (1, 2, 2), strict=True):
            rows, columns = mask.shape
            top, left = self._top // size, self._left // size
            under = plane[top : top + rows, left : left + columns]
            under += strength * mask * (value - under)


@dataclass(frozen=True)
class _Light:
    """Have a note and its key lit from one second to another."""

    start: float
    end: float
    stencils: tuple[_Stencil, ...]

    def lay(self, picture: _Picture, now: float) -> None:
        strength = _HELD + (1 - _HELD) * math.exp(-(now - self.start) / _FADING)
        for stencil in self.stencils:
            stencil.lay(picture, strength)


@dataclass(frozen=True)
class _Page:
    """Hold a page before it is played and after, and the lights of its notes."""

    system: System
    ahead: _Picture
    over: _Picture
    lights: tuple[_Light, ...]


@dataclass(frozen=True)
class Scene:
    """Draw what is seen at each moment of a piece."""

    played: Performance
    primer_events: int
    title: str
    credit: str

    def frames(self, seconds: float) -> Iterator[Frame]:
        """Draw the frames of so many seconds, each as it is in its middle."""
        number, page = -1, None
        for frame in range(math.ceil(seconds * RATE)):
            now = (frame + 0.5) / RATE
            unit = self._unit(now)
            on = min(int(unit / self._units), self._pages - 1)
            if page is None or on != number:
                number, page = on, self._page(on)
            yield self._draw(page, unit, now, now / seconds)

    def _unit(self, now: float) -> float:
        """Return which unit of the score is played at a second."""
        reading = self.played.interpretation
        beyond = max(0.0, now - float(reading.clock[-1])) / float(reading.pace[-1])
        units = np.arange(len(reading.clock)) + reading.opening
        return float(np.interp(now, reading.clock, units)) + beyond

    def _draw(self, page: _Page, unit: float, now: float, share: float) -> Frame:
        picture = page.ahead.copy()
        head = page.system.x(unit)
        picture.take(page.over, _KEYS[1], _even(head))
        for light in page.lights:
            if light.start <= now < light.end:
                light.lay(picture, now)
        _bar(head - _HEAD / 2, page.system.top - 4, head + _HEAD / 2, page.system.bottom, _WHITE).lay(picture, 0.9)
        done = _KEYS[0] + share * (_RIGHT - _KEYS[0])
        _bar(_KEYS[0], _RAIL[0], done, _RAIL[1], FAINT).lay(picture, 1.0)
        return picture.frame()

    @cached_property
    def _score(self) -> Score:
        """Return the score, as long as it sounds."""
        score = self.played.interpretation.score
        end = max(math.ceil(note.end) for line in self.played.voices for note in line)
        return replace(score, length=max(score.length, end))

    @cached_property
    def _bars(self) -> int:
        return math.ceil(self.played.interpretation.score.bars)

    @cached_property
    def _pages(self) -> int:
        return max(1, math.ceil((self._bars - 1) / _BARS_PER_PAGE))  # beside a pickup

    @cached_property
    def _units(self) -> int:
        """Return how many units a page has."""
        return math.ceil(self._bars / self._pages) * self._score.units_per_bar

    @cached_property
    def _pitches(self) -> range:
        lowest, highest = self._score.range
        missing = max(4, _SEMITONES - (highest - lowest + 1))
        return range(max(0, lowest - missing // 2), min(127, highest + (missing + 1) // 2) + 1)

    @cached_property
    def _primer(self) -> int:
        """Return the unit at which the primer ends."""
        score = self.played.interpretation.score
        if not self.primer_events:
            return 0
        return score.events[self.primer_events].onset if self.primer_events < len(score.events) else score.length

    def _page(self, number: int) -> _Page:
        row = (_ROLL[1] - _ROLL[0]) / len(self._pitches)
        system = System(
            number * self._units,
            (number + 1) * self._units,
            _ROLL[0],
            row,
            self._pitches,
            keys=_KEYS[0],
            left=_KEYS[1],
            right=_RIGHT,
            type=10,
        )
        notes = [
            (voice, note)
            for voice, line in enumerate(self.played.voices)
            for note in line
            if note.start < system.end and note.end > system.start
        ]
        ahead, over = (self._still(system, notes, is_over) for is_over in (False, True))
        return _Page(system, ahead, over, tuple(self._light(system, voice, note) for voice, note in notes))

    def _still(self, system: System, notes: list[tuple[int, Sounding]], is_over: bool) -> _Picture:
        """Draw a page on which nothing sounds."""
        canvas = Canvas(HEIGHT, WIDTH)
        roll.draw_grid(canvas, system, self._score, self._primer)
        for voice, note in notes:
            share = roll.brightness(note.velocity) if is_over else _AHEAD
            shade = mix(self._colour(voice, note), BACKGROUND, share)
            box, corner = system.box(note.pitch, note.start, note.end), system.corner(note.start, note.end)
            canvas.box(*box, shade, corner)
        roll.draw_keyboard(canvas, system)
        middle = 22
        x = _RIGHT - text_width(self.credit, 13)
        canvas.text(x, middle, self.credit, 13, FAINT, "lm")
        canvas.text(_KEYS[0], middle, shortened(legible(self.title), 20, x - _KEYS[0] - 16), 20, TEXT, "lm")
        canvas.box(_KEYS[0], _RAIL[0], _RIGHT, _RAIL[1], GRID)
        return _Picture.of(canvas.image())

    def _light(self, system: System, voice: int, note: Sounding) -> _Light:
        reading, colour = self.played.interpretation, self._colour(voice, note)
        lit = mix(_WHITE, colour, _LIT)
        box = system.box(note.pitch, note.start, note.end)
        key_top = system.y(note.pitch)
        shapes = (
            _shape(*box, colour, system.corner(note.start, note.end), glow=_GLOW),
            _shape(*box, lit, system.corner(note.start, note.end)),
            _shape(system.keys, key_top + 0.5, system.left - 4, key_top + system.row - 0.5, colour, 2),
        )
        return _Light(reading.seconds(note.start), reading.seconds(note.end), shapes)

    def _colour(self, voice: int, note: Sounding) -> Colour:
        return roll.PRIMER if note.start < self._primer else roll.colour_of(voice)


def _even(x: float) -> int:
    return round(x / 2) * 2


def _bar(left: float, top: float, right: float, bottom: float, colour: Colour) -> _Stencil:
    return _shape(left, top, right, bottom, colour, 0)


def _shape(
    left: float, top: float, right: float, bottom: float, colour: Colour, corner: float, *, glow: int = 0
) -> _Stencil:
    """Make a stencil of a rounded rectangle, with a faint rim where it glows."""
    scale = 4
    x, y = max(0, math.floor((left - glow) / 2) * 2), max(0, math.floor((top - glow) / 2) * 2)
    width = min(WIDTH, math.ceil((right + glow) / 2) * 2) - x
    height = min(HEIGHT, math.ceil((bottom + glow) / 2) * 2) - y
    image = Image.new("L", (max(2, width) * scale, max(2, height) * scale), 0)
    draw = ImageDraw.Draw(image)
    for rim in range(glow, -1, -1):
        edges = (left - rim - x, top - rim - y, right + rim - x, bottom + rim - y)
        corners = [round(edge * scale) for edge in edges]
        light = 255 if not glow else round(110 / (rim + 1))
        if corners[2] > corners[0] and corners[3] > corners[1]:
            draw.rounded_rectangle(
                (corners[0], corners[1], corners[2] - 1, corners[3] - 1), (corner + rim) * scale, light
            )
    return _Stencil(image.reduce(scale), x, y, colour)


def encode(frames: Iterator[Frame], samples: Samples, rate: int) -> bytes:
    """Encode pictures and sound; the index can only stand in front where the file can be rewritten."""
    import av

    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        path = Path(folder, "film.mp4")
        with av.open(
            str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        ) as container:
            video = container.add_stream("libx264", rate=RATE, options=dict(H264))
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            video.time_base = Fraction(1, RATE)
            audio = container.add_stream("aac", rate=rate, layout="stereo", options=dict(_AAC))
            audio.bit_rate = _SOUND_BITS
            _mux(container, video, (_video_frame(av, number, frame) for number, frame in enumerate(frames)))
            _mux(container, audio, _audio_frames(av, samples, rate, audio.codec_context.frame_size or 1024))
        return path.read_bytes()


def _mux(container: Any, stream: Any, frames: Iterator[Any]) -> None:
    for frame in frames:
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _video_frame(av: Any, number: int, planes: Frame) -> Any:
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, RATE)
    return frame


def _audio_frames(av: Any, samples: Samples, rate: int, size: int) -> Iterator[Any]:
    for start in range(0, len(samples), size):
        block = np.ascontiguousarray(samples[start : start + size].T)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame
