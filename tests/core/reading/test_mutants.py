"""Files that were damaged on their way: each is read or refused, within two seconds of a processor."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.reading.formats import ENDINGS
from tests.core.examples import DATA

MUTANTS = 32
FILES = ("old_hundredth.mid", "old_hundredth.musicxml", "old_hundredth.mxl", "tunes.abc", "old_hundredth.krn")

READ = """
import math, random, resource, sys
from pathlib import Path
from core.errors import ReadingError
from core.reading.formats import read
from core.reading.playing import play

SECONDS = 2

def mutant(data, chance):
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(damaged))
        match chance.randrange(5):
            case 0: damaged[place] = chance.randrange(256)
            case 1: damaged[place:place] = bytes(chance.choices(b"0123456789ABCabc|:[](/<>=", k=chance.randint(1, 6)))
            case 2: del damaged[place : place + chance.randint(1, 20)]
            case 3: damaged[place:place] = damaged[place : place + 60] * chance.randint(1, 30)
            case 4: damaged[place:place] = b"9" * chance.randint(1, 12)
    return bytes(damaged)

path, count = Path(sys.argv[1]), int(sys.argv[2])
data = path.read_bytes()
for printed in read(data, path.name).pieces:  # whatever is loaded at the first use
    pass
for number in range(count):
    print(number, flush=True)  # the last one that is said is the one that was stopped
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    try:
        for printed in read(mutant(data, random.Random(number)), path.name).pieces:
            play(printed, "all")
    except ReadingError as error:
        assert str(error)[-1] in ".!?", error
"""


def test_every_format_is_tried() -> None:
    same = {".midi": ".mid", ".kar": ".mid", ".xml": ".musicxml"}
    assert {same.get(ending, ending) for ending in ENDINGS} == {Path(name).suffix for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_take_little_time_and_end_in_a_piece_or_a_sentence(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", READ, str(DATA / name), str(MUTANTS)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"mutant {ended.stdout.split()[-1:]}: {ended.returncode} {ended.stderr}"
    assert ended.stdout.split()[-1] == str(MUTANTS - 1)
