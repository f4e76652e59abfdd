"""The recipe: a request in, a composition out, and nothing heavy on the way."""

import io
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
from PIL import Image
from symusic import Score as MidiScore

from core.composing import recipe
from core.composing.recipe import ComposeRequest, ModelInfo
from core.drawing import roll
from core.errors import BundleError, NotationError, RequestError
from core.model import bundle
from core.music import counterpoint, keys, score
from core.music.tempo import TEMPOS


@pytest.fixture
def request_(tiny_model: Path) -> ComposeRequest:
    return ComposeRequest(model=str(tiny_model), primer="72r1", bars=4, seed=7, audio=None, picture=False)


def test_a_composition_has_notation_midi_sound_and_picture(request_: ComposeRequest) -> None:
    composition = recipe.compose(replace(request_, audio="mp3", picture=True))
    (take,) = composition.takes
    piece = score.from_text(take.text, composition.model.anchor, score.UNITS[1])
    read: Any = MidiScore.from_midi(take.midi)
    onsets = [note.start for track in read.tracks for note in track.notes]
    assert take.bars == piece.bars == 4
    assert len(set(onsets)) == len(piece.events) == take.events
    assert take.primer_events == 1
    assert take.audio is not None
    assert take.picture is not None
    assert Image.open(io.BytesIO(take.picture)).format == "PNG"


@pytest.mark.parametrize(
    ("text", "tempo", "instrument"),
    [
        ("60-4-7-12r464r265r267-5-9r4" * 8, 96, "organ"),
        ("60r162r164r165r1" * 16 + "67r4", 20, "fiddle"),
        ("60-4-7r2r272r1", 300, "choir"),
        ("48-7-12-16r4r472r1r4r4r4", 60, "piano"),
    ],
)
def test_a_piece_has_one_length_which_its_midi_and_its_sound_have_too(text: str, tempo: float, instrument: str) -> None:
    request = ComposeRequest(model="", tempo=tempo, instrument=instrument, audio="mp3", picture=False)
    take = recipe.render(request, ModelInfo("chorales", "1", "1/2", "lowest"), text, 1)
    assert take.audio is not None
    read: Any = MidiScore.from_midi(take.midi)
    notes = max(note.end for track in read.to("second").tracks for note in track.notes)
    file = mido.MidiFile(file=io.BytesIO(take.midi)).length
    sound = soundfile.info(io.BytesIO(take.audio)).duration
    assert [notes, file, sound] == pytest.approx([take.seconds] * 3, abs=0.5)


def test_a_tempo_that_was_asked_for_is_kept_and_the_model_s_yields_to_the_piece() -> None:
    model, dense = ModelInfo("fiddle", "1", "1/4", "lowest"), "67r169r171r172r1" * 16
    request = ComposeRequest(model="", tempo=180, audio=None, picture=False)
    assert recipe.render(request, model, dense, 0).tempo == 180
    assert recipe.render(replace(request, paced=True), model, dense, 0).tempo == 120


@pytest.mark.parametrize("name", ["string quartet", "fiddle and guitar"])
def test_an_ensemble_is_heard_as_long_as_its_midi_lasts(name: str) -> None:
    request = ComposeRequest(model="", tempo=96, instrument=name, audio="flac", picture=False)
    take = recipe.render(request, ModelInfo("chorales", "1", "1/2", "lowest"), "r4r248-7-12-16r4" * 4, 1)
    assert take.audio is not None
    sound, rate = soundfile.read(io.BytesIO(take.audio))
    assert len(sound) / rate == pytest.approx(take.seconds, abs=0.5)
    assert (np.abs(sound).max(1) > 0.05 * np.abs(sound).max()).argmax() / rate < 0.3


def test_a_picture_is_headed_by_model_key_and_length() -> None:
    model = ModelInfo("chorales", "1", "1", "lowest")
    for text, title in (
        ("60-4-7r460-4-7r4", "chorales · C major · 2 bars"),
        ("63-4-7r4", "chorales · E flat major · 1 bar"),
        ("66-3-7r2", "chorales · F sharp minor · 0.5 bars"),
    ):
        take = recipe.render(ComposeRequest(model="", tempo=96, audio=None), model, text, 1)
        piece = score.from_text(text, "lowest", score.UNITS[0])
        assert take.picture == roll.piano_roll(piece, primer_events=1, title=title)


def test_what_was_left_open_is_filled_in(request_: ComposeRequest) -> None:
    composition = recipe.compose(replace(request_, seed=None))
    assert composition.request.seed is not None
    assert composition.request.gravity == 0.5
    assert composition.request.tempo == 300
    assert composition.request.paced
    assert composition.request.instrument == "piano"
    assert composition.takes[0].tempo <= 300
    assert recipe.compose(composition.request).takes == composition.takes


def test_the_same_request_gives_the_same_bytes(request_: ComposeRequest) -> None:
    request = replace(request_, audio="mp3", picture=True, takes=2)
    assert recipe.compose(request) == recipe.compose(request)


def test_what_a_model_cannot_be_told_is_put_in_its_key(
    request_: ComposeRequest, tiny_model: Path, tmp_path: Path
) -> None:
    forgetful = tmp_path / "forgetful"
    params = replace(bundle.load(tiny_model).params, remembers=False)
    chance = np.random.default_rng(5)
    weights = {name: (chance.standard_normal(shape) * 0.2).astype(np.float32) for name, shape in params.shapes.items()}
    bundle.publish(forgetful, params, weights, (tiny_model / "notes.txt").read_text())
    request = replace(request_, model=str(forgetful))
    as_it_comes = recipe.compose(request).takes[0]
    moved = recipe.compose(replace(request, key="Eb")).takes[0]
    tonic, mode = keys.parse_key(moved.key)
    assert tonic == 3
    assert mode == keys.parse_key(as_it_comes.key)[1]


@pytest.mark.parametrize("tempo", TEMPOS)
def test_every_tempo_that_a_model_may_have_is_composed_at(
    tempo: float, request_: ComposeRequest, tiny_model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    loaded = bundle.load(folder)
    bundle.publish(folder, replace(loaded.params, tempo=tempo), loaded.weights, (folder / "notes.txt").read_text())
    assert recipe.compose(replace(request_, model=str(folder))).request.tempo == tempo


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"primer": "7276r1"}, NotationError, "is not a MIDI note"),
        ({"primer": "72r1" * 6000}, RequestError, "characters; it can have"),
        (
            {"primer": "72r4" * 10, "bars": 4},
            RequestError,
            r"^The primer ends in bar 5: ask for 6 to 64 bars, or shorten it\.$",
        ),
        ({"primer": "72r4r4", "bars": 1}, RequestError, "ends in bar 1: ask for 2 to 64 bars"),
        ({"primer": "72r4" * 127, "bars": 63}, RequestError, "ends in bar 64: ask for 64 to 64 bars"),
        ({"primer": "72r4" * 128, "bars": 64}, RequestError, "^The primer ends in bar 64, .* 64 at most: shorten it.$"),
        ({"primer": "72r4" * 140, "bars": None}, RequestError, "^The primer ends in bar 70, .*: shorten it.$"),
        ({"primer": "72r4" * 140, "bars": 8}, RequestError, "^The primer ends in bar 70, .*: shorten it.$"),
        ({"bars": 0}, RequestError, "number of bars is .*from 1 to 64"),
        ({"bars": 65}, RequestError, "number of bars is .*from 1 to 64"),
        ({"tempo": 5}, RequestError, "The tempo is 5; it must be from 20 to 400"),
        ({"tempo": float("nan")}, RequestError, "tempo is nan; it must be"),
        ({"temperature": 0}, RequestError, "temperature is 0"),
        ({"instrument": "kazoo choir"}, RequestError, "no instrument or ensemble called 'kazoo choir'"),
        ({"expression": 3}, RequestError, "expression is 3; it must be from 0"),
        ({"key": "H"}, RequestError, "is not a key"),
        ({"model": "nowhere"}, BundleError, "There is no model in nowhere"),
    ],
)
def test_what_the_user_can_mend_is_a_sentence(
    request_: ComposeRequest, change: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        recipe.compose(replace(request_, **change))


def test_composing_loads_neither_tensorflow_nor_music21(tiny_model: Path) -> None:
    program = (
        "import sys; from core.composing.recipe import ComposeRequest, compose;"
        f"compose(ComposeRequest(model={str(tiny_model)!r}, bars=2));"
        "print([name for name in ('tensorflow', 'keras', 'music21', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_model_that_was_replaced_is_loaded_anew(request_: ComposeRequest, tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "changing"))
    request = replace(request_, model=str(folder))
    before = recipe.compose(request).model
    loaded = bundle.load(folder)
    weights = {name: tensor * 1.5 for name, tensor in loaded.weights.items()}
    bundle.publish(folder, loaded.params, weights, (folder / "notes.txt").read_text())
    assert recipe.compose(request).model.version != before.version


@pytest.mark.parametrize("name", ["chorales", "fiddle"])
def test_a_composition_keeps_its_key_and_comes_home_to_its_tonic(name: str) -> None:
    composer = recipe.open_model(str(bundle.SHIPPED / name))
    params, home = composer.bundle.params, 0
    for seed in range(8):
        [sample] = recipe.write(ComposeRequest(model="", bars=16, seed=seed), composer)
        assert sample.told.home is not None
        piece = score.from_ids(sample.ids, params.anchor, params.unit, sample.told.metre)
        ends = {counterpoint.upper_line(piece)[-1] % 12, piece.events[-1].pitches[0] % 12}
        home += sample.told.home[0] in ends
    assert home >= 5
