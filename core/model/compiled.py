"""What goes through Python token by token, in C, the same to the last bit: listening, and what stands around a step.

`python -m core.model.compiled` compiles compiled.c where there is a C compiler; `make run` and `make test` call it.
Without it all is done in Python, and composing takes two to three times the time.
"""

import ctypes
import hashlib
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.model import hearing, memory, told
from core.model.hearing import Frames
from core.model.told import Guide, Told
from core.music import notation

if TYPE_CHECKING:
    from core.model.bundle import Params

Floats = NDArray[np.float32]

_SOURCE: Final = Path(__file__).with_name("compiled.c")
_FLAGS: Final = ("-O3", "-std=c11", "-shared", "-fPIC", "-ffp-contract=off")  # a sum is rounded as it is in Python
_CONSTANTS: Final = {
    "NOTES": notation.NOTES.start,
    "INTERVALS": notation.INTERVALS.start,
    "RESTS": notation.RESTS.start,
    "SIZE": notation.SIZE,
    "LONGEST_REST": notation.LONGEST_REST,
    "NONE": hearing.NONE,
    "VOICES": hearing.VOICES,
    "START": hearing.START,
    "NO_STEP": hearing.NO_STEP,
    "BARS": hearing.BARS,
    "REACH": hearing.REACH,
    "NOTHING": memory.NOTHING,
    "RUNS": memory.RUNS,
    "REPEATS": len(memory.REPEATS),
    "SEQUENCES": len(memory.SEQUENCES),
    "RHYTHMS": len(memory.RHYTHMS),
    "FIRST_STEP": memory.FIRST_STEP,
    "NEW_NOTE": memory.NEW_NOTE,
    "LONGEST_RUN": memory.LONGEST_RUN,
    "MODES": len(told.MODES),
    "TOLD_PLACES": told.PLACES,
    "LEFTS": told.LEFTS,
    "FURTHEST": told.FURTHEST,
    "ALL_SECTIONS": told.SECTIONS,
    "FURTHEST_IN_SECTION": told.FURTHEST_IN_SECTION,
    "PHRASES": told.PHRASES,
    "FURTHEST_IN_PHRASE": told.FURTHEST_IN_PHRASE,
}


def compile_source() -> Path | None:
    """Compile what is in C beside its source, unless it is there already; None where that cannot be done."""
    target = _target()
    if target.exists():
        return target
    compiler = next(filter(shutil.which, (os.environ.get("CC", ""), "cc", "gcc", "clang")), None)
    if compiler is None:
        print("There is no C compiler.", file=sys.stderr)
        return None
    defined = [f"-D{name}=({value})" for name, value in _CONSTANTS.items()]
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".compiled-") as folder:
            made = Path(folder) / target.name
            command = [compiler, *_FLAGS, *defined, "-o", str(made), str(_SOURCE)]
            subprocess.run(command, check=True, capture_output=True, text=True)
            made.replace(target)
    except subprocess.CalledProcessError as error:
        print(f"{compiler}: {error.stderr.strip()}", file=sys.stderr)
        return None
    except OSError as error:
        print(f"{target}: {error.strerror}", file=sys.stderr)
        return None
    for other in target.parent.glob("_compiled-*.so"):
        if other != target:
            other.unlink(missing_ok=True)
    return target


def _target() -> Path:
    """Name what is compiled after all that it is made from, so that nothing stale is ever used."""
    made_from = repr((_SOURCE.read_bytes(), _FLAGS, _CONSTANTS, sys.platform, platform.machine()))
    return _SOURCE.with_name(f"_compiled-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.so")


@cache
def library() -> Any:
    """Return what was compiled, None where it was not."""
    path = _target()
    if not path.exists():
        return None
    try:
        loaded = ctypes.PyDLL(str(path))  # its calls take microseconds, and giving the interpreter away takes longer
    except OSError:
        return None
    pointer, number, real = ctypes.c_void_p, ctypes.c_int32, ctypes.c_float
    for name, given, result in (
        ("listener_new", [pointer], pointer),
        ("listener_copy", [pointer], pointer),
        ("listener_free", [pointer], None),
        ("listener_ringing", [pointer, pointer], number),
        ("hear", [pointer, pointer, number, pointer], number),
        ("inputs", [pointer, number, number, pointer, pointer, pointer, number, pointer], None),
        ("head", [pointer, pointer, pointer, number, pointer], None),
        ("weigh", [pointer, number, pointer, pointer, pointer, number, real, real, pointer, pointer], None),
        ("draw", [pointer, pointer, pointer, pointer, number, pointer, pointer, pointer], None),
    ):
        function = getattr(loaded, name)
        function.argtypes, function.restype = given, result
    return loaded


class Listener:
    """Follow one piece, token by token, as `frames.Listener` does; `hear` has many take a token at once."""

    def __init__(self, params: "Params", what: Told) -> None:
        guide, bar = Guide(what), what.bar
        sections = [
            (each.start, each.end, told.KINDS.index(each.kind), -1 if each.source is None else each.source)
            for each in what.plan
        ]
        facts = [
            *(params.anchor == "lowest", bar, int(4 * what.unit), params.remembers),
            *(lag for lags in memory.lags(bar) for lag in lags),
            *(memory.SYMBOLS, memory.MOVES),
            *(guide.bar, guide.fine, *guide.home, guide.metre),
            -1 if what.length is None else what.length,
            *((0, 0, 0, 0) if what.away is None else (what.away.start, what.away.end, *what.away.home)),
            *(len(sections), len(what.phrases)),
            *(fact for section in sections for fact in section),
            *what.phrases,
        ]
        self.library = library()
        self._hold(self.library.listener_new((ctypes.c_int32 * len(facts))(*facts)), params.remembers)

    def _hold(self, address: int | None, remembers: bool) -> None:
        if not address:
            raise MemoryError
        self.remembers = remembers
        self.columns = hearing.COLUMNS + (2 * memory.PREDICTORS + told.COLUMNS if remembers else 0)
        self.address = address

    def __del__(self) -> None:
        if address := self.__dict__.get("address"):
            self.library.listener_free(address)

    def copy(self) -> Self:
        """Return another listener that has heard the same."""
        other = object.__new__(type(self))
        other.library = self.library
        other._hold(self.library.listener_copy(self.address), self.remembers)
        return other

    @property
    def sounding(self) -> tuple[int, ...]:
        """Return the pitches that ring, ascending."""
        pitches = (ctypes.c_uint8 * 256)()
        return tuple(pitches[: self.library.listener_ringing(self.address, pitches)])


def hear(listeners: Sequence[Listener], tokens: Sequence[int]) -> Frames:
    """Have listeners of one model take a token each; return their frames, `(listeners, columns)`."""
    count = len(listeners)
    frames = np.empty((count, listeners[0].columns), np.int16)
    addresses = (ctypes.c_void_p * count)(*[listener.address for listener in listeners])
    if library().hear(addresses, (ctypes.c_int32 * count)(*tokens), count, _at(frames)) < count:
        raise ValueError("A token leads beyond the range of notes, or there is no memory left.")
    return frames


class Around:
    """Do what stands around a step: add up the first layer's inputs, and the last one's outputs.

    The rows of `table` stand in groups, which begin at `firsts` and have `sizes` rows; `starts` says where the parts of
    the output begin, and `width` how wide it is.
    """

    def __init__(
        self,
        params: "Params",
        table: Floats,
        firsts: NDArray[np.int64],
        sizes: NDArray[np.int64],
        starts: Mapping[str, int],
        width: int,
    ) -> None:
        self.remembers = params.remembers
        self._kept = [np.ascontiguousarray(each) for each in (firsts, sizes, table)]
        self._table = (*(each.ctypes.data for each in self._kept), table.shape[1])
        layout = [*(starts.get(part, 0) for part in _PARTS), width, params.anchor == "lowest", params.remembers]
        self._layout = (ctypes.c_int32 * len(layout))(*layout)
        self._inputs, self._head = library().inputs, library().head

    def inputs(self, frames: Frames, sums: Floats) -> None:
        """Do what `stepping.Stepper.inputs` does."""
        self._inputs(_at(frames), len(frames), self.remembers, *self._table, _at(sums))

    def head(self, out: Floats, frames: Frames) -> Floats:
        """Do what `stepping.Stepper.head` does."""
        count = len(frames)
        logits = np.empty((count, notation.SIZE), np.float32)
        self._head(self._layout, _at(out), _at(frames), count, _at(logits))
        return logits


def weigh(
    logits: Floats,
    allowed: Sequence[Sequence[int]],
    pulls: Floats | None,
    bases: Sequence[int],
    upwards: bool,
    gravity: float,
    temperature: float,
) -> Floats:
    """Return scores and the logits below their peak, `(2, streams, SIZE)`, as `sampling._weighed` does."""
    count = len(logits)
    weighed = np.empty((2, count, notation.SIZE), np.float32)
    at = _at(weighed)
    library().weigh(
        *(_at(logits), count, (ctypes.c_int32 * (6 * count))(*[each for ranges in allowed for each in ranges])),
        None if pulls is None else _at(pulls),
        *((ctypes.c_int32 * count)(*bases), upwards, gravity, temperature, at, at + weighed[0].nbytes),
    )
    return weighed


def draw(weighed: Floats, shares: Sequence[float], logits: Floats) -> tuple[list[int], list[float]]:
    """Return tokens, and the nats of each, as `sampling._drawn` does."""
    count, at = len(shares), _at(weighed)
    tokens, sums, far = (ctypes.c_int32 * count)(), (ctypes.c_double * count)(), (ctypes.c_float * count)()
    given = (ctypes.c_double * count)(*shares)
    library().draw(at, given, at + weighed[0].nbytes, _at(logits), count, tokens, sums, far)
    return list(tokens), [math.log(total) + each for total, each in zip(sums, far, strict=True)]


def _at(array: Any) -> int:
    """Return where an array begins in memory, in a third of the time that its own `ctypes.data` takes."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array))


def main() -> int:
    """Compile what is in C, or say why not, which is no failure."""
    if compile_source() is None:
        print("Pieces are composed all the same, in two to three times the time.", file=sys.stderr)
    return 0


_PARTS: Final = ("note", "interval", "step", "pitch", "note_ringing", "repeat", "note_degree", "pitch_degree")

if __name__ == "__main__":
    sys.exit(main())
