"""The look of the house's pictures: colours, type, and a canvas with smooth edges. Drawn with Pillow."""

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from core.errors import PictureError

Colour = tuple[int, int, int]

BACKGROUND: Final[Colour] = (24, 25, 31)
PLOT: Final[Colour] = (33, 35, 43)
GRID: Final[Colour] = (44, 47, 57)
TEXT: Final[Colour] = (233, 235, 242)
FAINT: Final[Colour] = (146, 151, 169)
PALETTE: Final[tuple[Colour, ...]] = (
    (255, 180, 72),  # amber
    (84, 209, 176),  # green
    (108, 166, 255),  # blue
    (198, 132, 255),  # violet
    (255, 120, 146),  # rose
    (190, 218, 92),  # lime
)

WIDTH: Final = 1400  # pixels, as all lengths
MARGIN: Final = 28
HEADER: Final = 68

_SCALE: Final = 2  # pictures are drawn this much larger and reduced
_TITLE: Final = 26
_SMALL: Final = 16


class Canvas:
    """Draw in the coordinates of the finished picture."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _SCALE, height * _SCALE), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0) -> None:
        """Fill a rectangle; what is thinner than half a pixel is left out."""
        corners = (round(left * _SCALE), round(top * _SCALE), round(right * _SCALE) - 1, round(bottom * _SCALE) - 1)
        if corners[2] >= corners[0] and corners[3] >= corners[1]:
            self._draw.rounded_rectangle(corners, radius * _SCALE, fill)

    def path(self, points: Sequence[tuple[float, float]], fill: Colour, width: float) -> None:
        """Draw a line through points."""
        self._draw.line([(x * _SCALE, y * _SCALE) for x, y in points], fill, round(width * _SCALE), joint="curve")

    def dot(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """Draw a filled circle."""
        self._draw.circle((x * _SCALE, y * _SCALE), radius * _SCALE, fill)

    def text(self, x: float, y: float, text: str, size: int, fill: Colour = TEXT, anchor: str = "ls") -> None:
        """Write a line of text, anchored as Pillow's anchors say."""
        self._draw.text((x * _SCALE, y * _SCALE), text, fill, _font(size * _SCALE), anchor)

    def header(self, title: str, legend: Sequence[tuple[str, Sequence[Colour]]]) -> None:
        """Write the title at the left, as far as it fits, and at the right what the colours mean."""
        x, middle = float(self.width - MARGIN), HEADER / 2 + 4
        for label, colours in reversed(legend):
            x -= text_width(label, _SMALL)
            self.text(x, middle, label, _SMALL, FAINT, "lm")
            x -= 8
            for colour in reversed(colours):
                x -= 14
                self.box(x, middle - 7, x + 11, middle + 7, colour, 4)
            x -= 26
        self.text(MARGIN, middle, shortened(legible(title), _TITLE, x - MARGIN), _TITLE, TEXT, "lm")

    def png(self) -> bytes:
        """Return the finished picture."""
        data = BytesIO()
        self.image().save(data, "PNG")
        return data.getvalue()

    def image(self) -> Image.Image:
        """Return the finished picture, its pixels red, green and blue."""
        return self._image.reduce(_SCALE)


def legible(text: str) -> str:
    """Write out the accidentals, which the house's type lacks."""
    return text.replace("♭", " flat").replace("♯", " sharp")


def shortened(text: str, size: int, room: float) -> str:
    """Cut a line of text to what has room, and show that it was cut."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def text_width(text: str, size: int) -> float:
    """Measure a line of text."""
    return _font(size * _SCALE).getlength(text) / _SCALE


def mix(colour: Colour, ground: Colour, share: float) -> Colour:
    """Lay a share of a colour over a ground."""
    red, green, blue = (round(share * c + (1 - share) * g) for c, g in zip(colour, ground, strict=True))
    return red, green, blue


def text_font() -> tuple[str, bytes]:
    """Return the name of the house's type, and its TrueType file."""
    font = _font(_SMALL)
    if not isinstance(font, ImageFont.FreeTypeFont) or not isinstance(font.path, BytesIO):
        raise PictureError("Pillow was built without FreeType, which draws text: install Pillow from PyPI.")
    return str(font.getname()[0]), font.path.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # Pillow's own, so that no font need be installed
