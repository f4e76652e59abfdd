"""A synthesizer that can be stopped: FluidSynth through midi2audio, in a process of its own.

midi2audio reports no failure and knows no timeout, and a few bytes of MIDI can hold hours of silence. So it runs in a
child with limits on processor time and file size, which is killed with all that it has started; what came out is for
the caller to judge. Each child plays one piece; it may be started while that is written.
"""

import os
from pathlib import Path
from threading import Lock
from typing import Final

from core.processes.child import Child, Died, Late
from core.processes.launching import Limits
from core.processes.messages import Call

_SMALLEST_LIMIT: Final = 128 * 2**20  # bytes; FluidSynth dies at its start with a limit of half of this
_LARGEST: Final = 2**30  # bytes, and
_LONGEST: Final = 600.0  # seconds that a child may use until it knows its piece

# FluidSynth reads these commands from its home folder. Float samples cannot clip before they are normalised, the chorus
# would only cost time, and without a default font a bad font is silent instead of replaced. Of a soundfont only the
# instruments that play are loaded, and long periods save a tenth. The room is one for all instruments.
_SETTINGS: Final = """\
set audio.file.format float
set audio.period-size 4096
set synth.dynamic-sample-loading 1
set synth.chorus.active 0
set synth.reverb.active 1
set synth.reverb.room-size 0.5
set synth.reverb.damp 0.4
set synth.reverb.width 1.0
set synth.reverb.level 0.7
set synth.default-soundfont none
"""


_lock = Lock()
_waiting: list[Child] = []  # for a piece: one at most


def get_ready() -> None:
    """Start the process that will play the next piece, if none waits for it yet."""
    with _lock:
        if not _waiting:
            _waiting.append(_new())
            _waiting[0].start()


def synthesise(midi: Path, soundfont: Path, *, sample_rate: int, timeout: float, file_bytes: int) -> Path:
    """Play a MIDI file into a WAV file beside it, and return that file's path, whether or not it was written.

    `timeout` counts seconds on the clock and of the processor. The folder of the MIDI file must be the caller's own.
    """
    wav = midi.with_suffix(".wav")
    (midi.parent / ".fluidsynth").write_text(_SETTINGS)
    limits = Limits(cpu_seconds=timeout, file_bytes=max(_SMALLEST_LIMIT, file_bytes))
    with _lock:
        waiting = [_waiting.pop()] if _waiting else []
    for child in (*waiting, _new()):
        try:
            child.call(timeout, _play, limits, str(midi), str(wav), str(soundfont.resolve()), sample_rate)
        except Died:  # perhaps while it waited
            continue
        except Late:
            pass
        finally:
            child.end()
        break
    return wav


def _new() -> Child:
    return Child(Limits(cpu_seconds=_LONGEST, file_bytes=_LARGEST), prepare=Call(_load))


def _load() -> None:
    import midi2audio  # noqa: F401  the one thing that the child needs


def _play(limits: Limits, midi: str, wav: str, soundfont: str, sample_rate: int) -> None:
    from midi2audio import FluidSynth

    limits.apply()  # those of this piece, before anything of it is read
    limits.allow_seconds()
    os.environ["HOME"] = str(Path(midi).parent)
    os.environ["SDL_AUDIODRIVER"] = "dummy"  # else SDL looks for sound cards, and its end waits for the next look
    FluidSynth(soundfont, sample_rate).midi_to_audio(midi, wav)
