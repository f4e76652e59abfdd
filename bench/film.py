"""What a film costs in processor seconds: python -m bench.film. PyAV and Debian's ffmpeg encode the same in turns."""

import io
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import soundfile

from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.drawing import film
from core.music import score
from core.performing import audio

TURNS: Final = 5
SECONDS: Final = 30.0
MODEL: Final = Path(__file__).parent.parent / "models" / "chorales"


def main() -> None:
    """Film half a minute of a chorale."""
    request = ComposeRequest(model=str(MODEL), seed=3, bars=16, audio=None, picture=False)
    made = recipe.compose(request)
    piece = score.from_text(
        made.takes[0].text, made.model.anchor, Fraction(made.model.rest_unit), recipe.metre_of(made.request)
    )
    played = recipe.prepare(made.request, piece)
    sound, rate = soundfile.read(
        io.BytesIO(audio.render(played.midi(by_hand=True), format="wav")), dtype="float32", always_2d=True
    )
    sound = sound[: int(SECONDS * rate)]
    scene = film.Scene(played, 0, "A chorale", "Cadenza")
    frames = list(scene.frames(SECONDS))
    print(f"processor seconds for {SECONDS:g} s of film, the median of {TURNS}:")
    sides: dict[str, Callable[[], object]] = {
        "drawing": lambda: list(scene.frames(SECONDS)),
        "encoding, PyAV": lambda: film.encode(iter(frames), sound, rate),
    }
    if shutil.which("ffmpeg"):
        sides["encoding, ffmpeg"] = lambda: _through_ffmpeg(frames, sound, rate)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(TURNS):
        for name, side in sides.items():
            before = _spent()
            side()
            taken[name].append(_spent() - before)
    for name, times in taken.items():
        print(f"{name}: {statistics.median(times):.2f}")
    print(f"bytes: {len(film.encode(iter(frames), sound, rate)):,}")


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _through_ffmpeg(frames: "list[film.Frame]", sound: film.Samples, rate: int) -> None:
    options = [argument for name, value in film.H264.items() for argument in (f"-{name}:v", value)]
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "sound.wav")
        soundfile.write(wav, sound, rate)
        pictures = f"-f rawvideo -pix_fmt yuv420p -s {film.WIDTH}x{film.HEIGHT} -r {film.RATE} -i -".split()
        out = ["-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k", "-movflags", "+faststart", f"{folder}/film.mp4"]
        subprocess.run(
            ["ffmpeg", "-v", "error", *pictures, "-i", str(wav), "-c:v", "libx264", *options, *out],
            input=b"".join(frame.tobytes() for frame in frames),
            check=True,
        )


if __name__ == "__main__":
    main()
