"""A synthesizer that can be stopped: FluidSynth through midi2audio, in a process of its own.

midi2audio reports no failure and knows no timeout, and a few bytes of MIDI can hold hours of silence. So it runs in a
child with limits on processor time and file size, in a process group that is killed as a whole; what came out is for
the caller to judge.

    python -m core.performing.synthesizer MIDI WAV SOUNDFONT SAMPLE_RATE CPU_SECONDS FILE_BYTES
"""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_SMALLEST_LIMIT: Final = 128 * 2**20  # bytes; FluidSynth dies at its start with a limit of half of this

# FluidSynth reads these commands from its home folder. Float samples cannot clip before they are normalised, the chorus
# would only cost time, and without a default font a bad font is silent instead of replaced.
_SETTINGS: Final = """\
set audio.file.format float
set synth.chorus.active 0
set synth.reverb.active 1
set synth.default-soundfont none
"""


def synthesise(midi: Path, soundfont: Path, *, sample_rate: int, timeout: float, file_bytes: int) -> Path:
    """Play a MIDI file into a WAV file beside it, and return that file's path, whether or not it was written.

    `timeout` counts seconds on the clock and of the processor. The folder of the MIDI file must be the caller's own.
    """
    wav = midi.with_suffix(".wav")
    (midi.parent / ".fluidsynth").write_text(_SETTINGS)
    limits = (sample_rate, int(timeout) + 1, max(_SMALLEST_LIMIT, file_bytes))
    child = subprocess.Popen(
        [sys.executable, "-m", "core.performing.synthesizer", midi, wav, soundfont.resolve(), *map(str, limits)],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return wav


def _main(midi: str, wav: str, soundfont: str, sample_rate: str, cpu_seconds: str, file_bytes: str) -> None:
    from midi2audio import FluidSynth  # the one thing that the child needs

    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["HOME"] = str(Path(midi).parent)
    FluidSynth(soundfont, int(sample_rate)).midi_to_audio(midi, wav)


if __name__ == "__main__":
    _main(*sys.argv[1:])
