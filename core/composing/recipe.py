"""The recipe for composing: from a request to a piece with sound and picture."""

import math
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Final

import numpy as np

from core.composing import critic, drafting, form, harmonizing, novelty, rewriting, sampling
from core.composing.critic import Critic, Floats
from core.composing.drafting import MOST_EFFORT, USUAL_EFFORT
from core.composing.harmonizing import HarmonizeRequest
from core.composing.novelty import Quote
from core.composing.particles import PARTICLES
from core.composing.sampling import LONGEST_PIECE, Options, Sample
from core.composing.taste import Taste
from core.drawing import roll
from core.errors import CorpusError, RequestError, check_range, mark, named
from core.model import bundle, notes
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.music import bars, dances, keys, notation, score, titles
from core.music.melody import Melody, line
from core.music.metre import COMMON, Metre, parse_metre
from core.music.notation import Anchor
from core.music.parts import PartScore
from core.music.score import Score
from core.music.tempo import check_tempo
from core.performing import audio, ensembles, expression, performance, synthesizer
from core.performing.audio import Format
from core.performing.performance import Performance
from core.reading import names

COMMON_QUOTE: Final = 10  # events in a row that held-out pieces have in common with training pieces, in the mean
QUOTE_FAULT: Final = 0.1  # what each further event costs, by the critic's measure
LONGEST_PRIMER: Final = 20_000  # characters, enough for a whole piece to be continued


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRequest:
    """Ask for a piece.

    `model` is the path of a model's folder. An empty `primer` lets the model begin. `bars` is the length of the whole
    piece, primer included, in bars of its metre; None lets the model end. `key`, as `G` or `E minor`, is the one to
    compose in, `metre` as `6/8`, and `form` as `AABA` or `through-composed`; None is the primer's, or as in the pieces
    that the model was trained on. `effort` is how many candidates are written for each take, of which the critic keeps
    one. `tempo` is in quarters a minute. None for `gravity` and `tempo` takes the model's own, None for `seed` draws
    one; `paced` tells that the tempo is the model's and yields to what a piece is (`dances.paced`). `instrument` is one
    of `ensembles.NAMES`, None what the model's music is for; `expression` is how freely it plays, from 0 to 2. `taste`
    is what its listeners like, as a `Taste` is written. `audio` is mp3, wav, flac or ogg, None for no sound;
    `soundfont` is the path of one, None finds one.

    A `melody`, in note names, is harmonised instead: it becomes the soprano of four voices, and says itself how long
    they sing, and in which metre. `numerals` are written under its sheet.

    To `rewrite` bars, as 5-8, is to write those anew in a primer that is a whole piece, or in the `voices` that a
    melody was harmonised with.
    """

    model: str
    primer: str = ""
    temperature: float = 1.0
    gravity: float | None = None
    top_p: float = 1.0
    seed: int | None = None
    bars: int | None = None
    takes: int = 1
    effort: int = USUAL_EFFORT
    key: str | None = None
    metre: str | None = None
    form: str | None = None
    tempo: float | None = None
    paced: bool = False
    instrument: str | None = None
    expression: float = expression.USUAL
    taste: str = ""
    audio: Format | None = "mp3"
    picture: bool = True
    soundfont: str | None = None
    melody: str = ""
    numerals: bool = False
    rewrite: str = ""
    voices: PartScore | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Name the model that composed: `version` changes with its weights; a piece's text is in units of `rest_unit`."""

    name: str
    version: str
    rest_unit: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Take:
    """Hold one piece.

    `text` is its notation, of which the first `primer_events` events were given; `key` is found by analysis; `bars` is
    the length of the notation, `seconds` of the music as it is performed, and so of its files; `ended` tells that the
    model closed it by itself; `quote` is its longest quote from the training pieces, if any; `tempo` is what it is
    played at, in quarters a minute. What was harmonised has `parts`, of which the text says what begins together.
    """

    text: str
    primer_events: int
    events: int
    key: str
    bars: float
    seconds: float
    ended: bool
    quote: Quote | None
    midi: bytes
    audio: bytes | None
    picture: bytes | None
    tempo: float = 0.0
    parts: PartScore | None = None


@dataclass(frozen=True, slots=True)
class Composition:
    """Answer a request: the same with all that was left open filled in, the model, and a take or several."""

    request: ComposeRequest
    model: ModelInfo
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class Composer:
    """Hold a loaded model, ready to compose; `index` knows its training pieces, `judge` what they are like."""

    bundle: Bundle
    stepper: Stepper
    index: novelty.Index
    judge: Critic | None = None


def compose(request: ComposeRequest, composer: Composer | None = None) -> Composition:
    """Compose what a request asks for. Raises CadenzaError for anything that the user can mend."""
    composer = composer or open_model(request.model)
    if request.audio is not None:
        synthesizer.get_ready()  # meanwhile
    if request.melody:
        return _harmonize(request, composer)
    if request.rewrite:
        return _rewrite(request, composer)
    params = composer.bundle.params
    ids = check_request(request, params)
    request = replace(filled_in(request, params), primer=notation.text(ids))
    given = len(score.from_ids(ids, params.anchor, params.unit).events)
    samples = write(request, composer)
    model = ModelInfo(composer.bundle.name, composer.bundle.version, params.rest_unit, params.anchor)
    texts = [notation.text(sample.ids) for sample in samples]
    if not params.remembers:  # and so could not be told
        texts = [_in_key(text, request.key, model) for text in texts]
    takes = tuple(
        render(request, model, text, given, sample.ended, composer.index.longest_quote(text, given))
        for text, sample in zip(texts, samples, strict=True)
    )
    return Composition(request, model, takes)


def _harmonize(request: ComposeRequest, composer: Composer) -> Composition:
    """Put three voices under a request's melody."""
    params = composer.bundle.params
    check_request(request, params)
    made = harmonizing.compose(_to_harmonize(request), composer.stepper)
    tune, unit = made.request.melody, made.takes[0].unit
    request = replace(
        filled_in(request, params),
        primer="",
        bars=math.ceil(tune.bars),
        metre=str(tune.metre),
        form=None,
        key=made.request.key,
        seed=made.request.seed,
        tempo=float(request.tempo or tune.tempo or params.tempo),
        paced=False,
        melody=names.write_names(tune),
    )
    model = ModelInfo(composer.bundle.name, composer.bundle.version, str(unit), params.anchor)
    takes = []
    for parts in made.takes:
        text = score.to_text(parts.score, params.anchor)
        takes.append(render(request, model, text, 0, True, composer.index.longest_quote(text, 0), parts))
    return Composition(request, model, tuple(takes))


def _rewrite(request: ComposeRequest, composer: Composer) -> Composition:
    """Write some bars of a request's primer anew."""
    params = composer.bundle.params
    ids = check_request(request, params)
    piece = score.from_ids(ids, params.anchor, params.unit, metre_of(request))
    request = replace(
        filled_in(request, params), primer=notation.text(ids), bars=math.ceil(piece.bars), key=None, form=None
    )
    options = _options(request, params)
    made = rewriting.rewrite(composer.stepper, piece, bars.parse(request.rewrite), options, request.effort)
    model = ModelInfo(composer.bundle.name, composer.bundle.version, params.rest_unit, params.anchor)
    takes = []
    for each in made:
        same = (one == other for one, other in zip(piece.events, each.piece.events, strict=False))
        given = sum(takewhile(bool, same))
        text = score.to_text(each.piece, params.anchor)
        takes.append(render(request, model, text, given, True, composer.index.longest_quote(text, given)))
    return Composition(request, model, tuple(takes))


def _to_harmonize(request: ComposeRequest) -> HarmonizeRequest:
    written = names.read_names(request.melody)
    return HarmonizeRequest(
        melody=Melody(line(written.notes), written.length, written.metre, written.tempo),
        key=request.key,
        temperature=request.temperature,
        seed=request.seed,
        takes=request.takes,
        effort=max(1, PARTICLES * request.effort // USUAL_EFFORT),
        kept=request.voices,
        bars=bars.parse(request.rewrite) if request.rewrite else None,
    )


def write(request: ComposeRequest, composer: Composer) -> tuple[Sample, ...]:
    """Write the takes that a request asks for, whatever they will sound like. Raises CadenzaError."""
    params = composer.bundle.params
    ids = check_request(request, params)
    given = len(score.from_ids(ids, params.anchor, params.unit).events)

    def quotes(written: Sequence[int]) -> float:
        return _quoting(composer, notation.text(written), given)

    options = _options(filled_in(request, params), params)
    lean = Taste.parse(request.taste).lean if request.taste else None
    return drafting.draft(composer.stepper, ids, options, composer.judge, request.effort, quotes, lean)


def render(
    request: ComposeRequest,
    model: ModelInfo,
    text: str,
    given: int,
    ended: bool = False,
    quote: Quote | None = None,
    parts: PartScore | None = None,
) -> Take:
    """Make the MIDI, the sound and the picture of a piece, of which the first `given` events were given.

    Where it has `parts`, those are played and drawn.
    """
    piece = score.from_text(text, model.anchor, Fraction(model.rest_unit), metre_of(request), open_end=True)
    played = prepare(request, piece, parts)
    midi = played.midi()
    key = parts.key if parts is not None and parts.key else keys.key_of(piece)
    font = None if request.soundfont is None else Path(request.soundfont)
    with ThreadPoolExecutor(1) as beside:  # the synthesizer is a process of its own, which leaves us time to draw
        drawn = (
            beside.submit(_picture, parts or piece, given, model, key, float(piece.bars)) if request.picture else None
        )
        sound = (
            None
            if request.audio is None
            else audio.render(played.midi(by_hand=True), format=request.audio, soundfont=font)
        )
    return Take(
        text=text,
        primer_events=given,
        events=len(piece.events),
        key=key,
        bars=float(piece.bars),
        seconds=performance.duration(midi),
        ended=ended,
        quote=quote,
        midi=midi,
        audio=sound,
        picture=None if drawn is None else drawn.result(),
        tempo=tempo_of(request, piece),
        parts=parts,
    )


def prepare(request: ComposeRequest, piece: Score, parts: PartScore | None = None) -> Performance:
    """Have a piece played as a request asks for, or its parts."""
    tempo = tempo_of(request, piece)
    return performance.prepare(
        parts or piece,
        tempo=tempo,
        instrument=request.instrument or ensembles.PLAIN,
        expression=request.expression,
        title=str(titles.title(piece, tempo)),
    )


def _picture(piece: Score | PartScore, given: int, model: ModelInfo, key: str, bars: float) -> bytes:
    """Draw a piece, headed by what composed it, its key and its length."""
    length = f"{score.whole_bars(bars):g} bar{'' if bars == 1 else 's'}"
    return roll.piano_roll(piece, primer_events=given, title=f"{model.name} · {key} · {length}")


def tempo_of(request: ComposeRequest, piece: Score) -> float:
    """Return the tempo at which a piece of a request is played, in quarters a minute."""
    if request.tempo is None:
        raise RequestError("A piece without a tempo cannot be played.")
    return dances.paced(piece, request.tempo) if request.paced else request.tempo


def metre_of(request: ComposeRequest) -> Metre:
    """Return the metre in which the bars of a request's piece are counted, once it has been composed."""
    return parse_metre(request.metre) if request.metre else COMMON


def check_request(request: ComposeRequest, params: Params) -> list[int]:
    """Return the ids of a request's primer, if all that is asked is possible. Raises NotationError and RequestError."""
    if request.instrument is not None:
        ensembles.ensemble(request.instrument)
    check_range("expression", request.expression, *expression.EXPRESSIONS)
    Taste.parse(request.taste)
    if request.melody:
        if request.tempo is not None:
            check_tempo(request.tempo)
        check_range(mark("effort"), request.effort, 1, MOST_EFFORT)
        harmonizing.check(_to_harmonize(request), params)
        return []
    ids = check_primer(request.primer, params.anchor)
    if request.rewrite:
        piece = score.from_ids(ids, params.anchor, params.unit, metre_of(request))
        bars.place(piece, bars.parse(request.rewrite))
        _options(replace(filled_in(request, params), bars=None, key=None), params)
        return ids
    sampling.tell(params, ids, _options(filled_in(request, params), params), np.random.default_rng(0))
    return ids


def likings(pieces: Sequence[tuple[str, ComposeRequest, ModelInfo]], params: Params) -> list[Floats | None]:
    """Return the figures of pieces that somebody votes on; None where their model does not know what is usual."""
    judge, measured = critic.critic(params.habits), list[Floats | None]()
    for text, request, model in pieces:
        piece = score.from_text(text, model.anchor, Fraction(model.rest_unit), metre_of(request), open_end=True)
        measured.append(None if judge is None else judge.standard(critic.measure(piece)))
    return measured


def check_primer(text: str, anchor: Anchor) -> list[int]:
    """Return a primer's ids. Raises NotationError and RequestError."""
    if len(text) > LONGEST_PRIMER:
        raise RequestError(
            "The primer has {count:,} characters; it can have {most:,} at most.", count=len(text), most=LONGEST_PRIMER
        )
    return notation.primer(text, anchor)


def open_model(directory: str) -> Composer:
    """Load a model, or take it from memory if its files have not changed. Raises BundleError and CorpusError."""
    folder = Path(directory)
    stamps = tuple(_stamp(folder / name) for name in ("weights.safetensors", "params.json", "notes.txt"))
    return _open(folder, stamps)


def open_files(weights: Path, params: Path, parsed: Path) -> Composer:
    """Load a model from its three files. Raises BundleError and CorpusError."""
    return _composer(bundle.load_files(weights, params), parsed)


@lru_cache(maxsize=8)
def _open(folder: Path, stamps: tuple[tuple[int, int], ...]) -> Composer:
    return _composer(bundle.load(folder), folder / "notes.txt")


def _composer(model: Bundle, parsed: Path) -> Composer:
    """Make a model ready, with the notes that it was trained on."""
    trained_on = notes.read_notes(parsed)
    for what, its, theirs in (
        (mark("anchor"), model.params.anchor, trained_on.anchor),
        (mark("rest unit"), model.params.rest_unit, str(trained_on.unit)),
    ):
        if its != theirs:
            raise CorpusError(
                "{parsed} does not belong to the model {model}: its {what} is {theirs}, and the model's {its}. Take"
                " both from the same folder.",
                parsed=named(parsed),
                model=model.name,
                what=what,
                theirs=theirs,
                its=its,
            )
    index = novelty.Index([(entry.title, entry.text) for entry in trained_on.pieces])
    return Composer(model, Stepper(model), index, critic.critic(model.params.habits))


def _quoting(composer: Composer, text: str, given: int) -> float:
    """Return what speaks against a piece for what it quotes: nothing up to what real pieces have in common."""
    quote = composer.index.longest_quote(text, given)
    return 0.0 if quote is None else QUOTE_FAULT * max(0, quote.events - COMMON_QUOTE)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _in_key(text: str, key: str | None, model: ModelInfo) -> str:
    if key is None:
        return text
    piece = score.from_text(text, model.anchor, Fraction(model.rest_unit), open_end=True)
    return score.to_text(keys.in_key(piece, key), model.anchor)


def filled_in(request: ComposeRequest, params: Params) -> ComposeRequest:
    """Fill in what a request leaves open; what is whole becomes a float too, as it will be when it was kept as JSON."""
    return replace(
        request,
        temperature=float(request.temperature),
        gravity=float(params.gravity if request.gravity is None else request.gravity),
        top_p=float(request.top_p),
        seed=secrets.randbelow(2**32) if request.seed is None else request.seed,
        tempo=float(params.tempo if request.tempo is None else request.tempo),
        paced=request.paced or request.tempo is None,
        instrument=request.instrument or ensembles.usual(params),
        expression=float(request.expression),
        metre=request.metre or str(COMMON if request.primer else form.habits(params.habits).metre),
    )


def _options(request: ComposeRequest, params: Params) -> Options:
    if request.bars is not None:
        check_range(mark("number of bars"), request.bars, 1, LONGEST_PIECE)
    assert request.tempo is not None
    assert request.gravity is not None
    assert request.seed is not None
    check_tempo(request.tempo)
    check_range(mark("effort"), request.effort, 1, MOST_EFFORT)
    return Options(
        temperature=request.temperature,
        gravity=request.gravity,
        top_p=min(request.top_p, params.top_p),
        seed=request.seed,
        takes=request.takes,
        bars=request.bars,
        metre=None if request.metre is None else parse_metre(request.metre).counted,
        home=None if request.key is None else form.named(request.key, form.habits(params.habits)),
        form=request.form,
    )
