"""Small files that are music, and files that are anything but."""

import io
import struct
import zipfile
from fractions import Fraction
from typing import Any

import numpy as np

from core.music import score
from core.performing import performance

TUNE = "C4 D4 E4 F4 | G4 G4 A4 F4 | E4*2 D4*2 | C4*4"  # as note names
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
LONGEST = b"\xff\xff\xff\x7f"  # ticks, as a MIDI file writes them
END = b"\x00\xff\x2f\x00"
SLOW = b"\x00\xff\x51\x03\xff\xff\xff"


def midi(seed: int, notes: int = 30) -> bytes:
    """Return a melody by chance."""
    chance = np.random.default_rng(seed)
    text = "".join(f"{chance.choice(SCALE)}r{chance.integers(1, 3)}" for _ in range(notes))
    return performance.perform(score.from_text(text, "lowest", Fraction(1, 2)))


def files(count: int = 3, first: int = 0, notes: int = 30) -> dict[str, Any]:
    """Return so many melodies as what a training is asked for with."""
    return named(*((f"tune {n}.mid", midi(n, notes)) for n in range(first, first + count)))


def named(*uploads: tuple[str, bytes]) -> dict[str, Any]:
    """Return uploads as what a training is asked for with."""
    return {"files": list(uploads)}


def zipped(count: int = 3) -> dict[str, Any]:
    """Return so many melodies in one archive, with which a training begins at once, without a form."""
    return named(("tunes.zip", packed(**{f"tune {n}__mid": midi(n) for n in range(count)})))


def packed(**members: bytes) -> bytes:
    """Return a zip archive; two underlines in a name stand for a dot."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name.replace("__", "."), data)
    return archive.getvalue()


def _track(events: bytes, division: int = 1) -> bytes:
    chunk = b"MTrk" + struct.pack(">I", len(events)) + events
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, division) + chunk


ENDLESS = _track(SLOW + b"\x00\x90\x3c\x40" + LONGEST + b"\x80\x3c\x00" + END)  # which plays for centuries
RUNNING = _track(b"\x00\x90\x3c\x40" + b"\x01\x3c\x40\x01\x3c\x00" * 165_000 + END, 480)  # 990 KB of running status
ENTITIES = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><score-partwise>&b;</score-partwise>'
NESTED = b"<a>" * 300_000

HOSTILE = {
    "endless.mid": ENDLESS,
    "running.mid": RUNNING,
    "cut off.mid": midi(1)[:60],
    "entities.musicxml": ENTITIES,
    "nested.xml": NESTED,
    "swelling.mxl": packed(a__xml=b" " * (40 << 20)),
    "bomb.zip": packed(**{f"{n}__mid": bytes(4 << 20) for n in range(20)}),
    "damaged.zip": packed(a__mid=midi(1))[:-30],
    "model.keras": packed(config__json=b"{}"),
    "words.txt": b"These are words.",
    "words.mid": b"These are words.",
    "../../etc/passwd.mid": b"root:x:0:0",
    "many.abc": b"".join(b"X:%d\nM:4/4\nL:1/4\nK:C\nCDEF|\n" % number for number in range(20_000)),
    "braces.abc": b"X:1\nM:4/4\nL:1/4\nK:C\n" + b"{" * 900_000,
    "fields.abc": b"X:1\nM:4/4\nL:1/4\nK:C\n" + b"[K:" * 300_000,
    "many.zip": packed(**{f"{n}__abc": b"X:1\n" for n in range(1_000)}),
    "too many.zip": packed(**{f"{n}__mid": b"MThd" for n in range(1_999)}),
    "tune.abc": b"X:1\nT:" + b"x" * 900_000 + b"\nM:4/4\nL:1/4\nK:C\n" + b"|:" * 20_000,
}
