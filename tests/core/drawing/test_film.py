"""Films: what a browser makes of them, and that sight and sound go together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.drawing import film
from core.errors import CadenzaError, PictureError
from core.music.score import Event, Score
from core.performing import audio, performance
from core.performing.performance import Performance
from tests.browser import browsing

NOTES = (0, 8, 16, 27, 32)  # in sixteenths, with silence between them
LENGTHS = (2, 2, 2, 2, 2)
PITCHES = (72, 67, 64, 60, 76)
PIECE = Score(
    tuple(Event(onset, (pitch,)) for onset, pitch in zip(NOTES, PITCHES, strict=True)),
    48,
    Fraction(1, 4),
    lengths=LENGTHS,
)
PATIENCE = 600  # seconds

WATCHED = """
const [rate, done] = arguments
const video = document.createElement("video")
const heard = (event) => new Promise((hear, fail) => {
    video.addEventListener(event, hear, {once: true})
    video.addEventListener("error", () => fail(video.error.message), {once: true})
})
const watch = async () => {
    const next = () => new Promise((show) =>
        video.requestVideoFrameCallback((now, {mediaTime}) => show(Math.round(mediaTime * rate))))
    const bytes = await (await fetch("film.mp4")).arrayBuffer()
    video.muted = true
    video.src = URL.createObjectURL(new Blob([bytes], {type: "video/mp4"}))
    await heard("loadeddata")
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
    const context = canvas.getContext("2d", {willReadFrequently: true})
    const frames = []
    for (let frame = 0; frame < Math.floor(video.duration * rate); frame++) {
        const shown = next()
        video.currentTime = (frame + 0.5) / rate
        for (let at = await shown; at !== frame; at = await next());  // "seeked" may come before its picture
        context.drawImage(video, 0, 0)
        const keys = context.getImageData(10, 60, 28, 270).data
        const ruler = context.getImageData(44, 55, 586, 1).data
        let coloured = 0, head = 0
        for (let at = 0; at < keys.length; at += 4) {
            const colour = [keys[at], keys[at + 1], keys[at + 2]]
            coloured += Math.max(...colour) - Math.min(...colour) > 60
        }
        for (let at = 0; at < ruler.length; at += 4) if (ruler[at] > ruler[head]) head = at
        frames.push([coloured, head / 4])
    }
    video.currentTime = 0
    await heard("seeked")
    await video.play()
    while (video.currentTime < 0.5) await heard("timeupdate")
    const sound = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes)
    return {frames, played: video.currentTime, width: video.videoWidth, height: video.videoHeight,
        seconds: video.duration, samples: Array.from(sound.getChannelData(0), (sample) => Math.round(sample * 1e4))}
}
watch().then(done, (error) => done({error: String(error)}))
"""


@dataclass(frozen=True)
class Film:
    played: Performance
    sound: bytes
    mp4: bytes


@pytest.fixture(scope="module")
def shot() -> Film:
    played = performance.prepare(PIECE, tempo=90, instrument="piano")
    sound = audio.render(played.midi(by_hand=True), format="wav")
    return Film(played, sound, film.film(played, sound, title="Five notes", credit="Cadenza"))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def pictures(mp4: bytes) -> list[NDArray[np.uint8]]:
    with av.open(BytesIO(mp4)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_browser_plays_it_and_each_note_lights_up_as_it_sounds(shot: Film, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<title>A film</title>")
    (tmp_path / "film.mp4").write_bytes(shot.mp4)
    with served(tmp_path) as address, browsing(tmp_path / "profile") as browser:
        browser.set_script_timeout(PATIENCE)
        browser.get(f"{address}/page.html")
        seen: dict[str, Any] = browser.execute_async_script(WATCHED, film.RATE)
    assert "error" not in seen, seen
    assert seen["played"] >= 0.5
    assert (seen["width"], seen["height"]) == (film.WIDTH, film.HEIGHT)
    coloured, heads = np.array(seen["frames"]).T
    lit = [
        frame for frame in range(len(coloured)) if coloured[frame] > 20 and (frame == 0 or coloured[frame - 1] <= 20)
    ]
    struck = _struck(np.array(seen["samples"]) / 1e4)
    assert len(lit) == len(struck) == len(NOTES)
    assert np.abs(np.array(lit) / film.RATE - struck).max() < 0.05
    assert (np.diff(heads[: int(struck[-1] * film.RATE)]) >= 0).all()
    middles = (np.arange(len(heads)) + 0.5) / film.RATE
    there = np.interp(struck, middles, heads)  # where the head is when a note is heard: where the note begins
    asked = there[0] + (there[-1] - there[0]) * np.array(NOTES) / NOTES[-1]
    speed = np.gradient(heads, 1 / film.RATE).max()
    assert np.abs(there - asked).max() < 0.05 * speed


def _struck(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds at which it suddenly gets louder."""
    hop = 220
    level = np.sqrt((samples[: len(samples) // hop * hop].reshape(-1, hop) ** 2).mean(1))
    found, last = [], -100
    for place in range(len(level)):
        before = level[max(0, place - 20) : max(1, place - 3)].mean() if place else 0.0
        if level[place] > 0.02 and level[place] > 2.5 * before and place - last > 40:
            found.append(place * hop / 44_100)
            last = place
    return np.array(found)


def test_it_is_what_discord_plays_in_a_message(shot: Film) -> None:
    assert shot.mp4.index(b"moov") < shot.mp4.index(b"mdat")
    with av.open(BytesIO(shot.mp4)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, video.average_rate) == ("h264", "yuv420p", film.RATE)
        assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", audio.SAMPLE_RATE, 2)
        assert float(container.duration or 0) / 1e6 == pytest.approx(performance.duration(shot.played.midi()), abs=0.1)


def test_pictures_change_and_what_is_over_is_brighter_than_what_is_to_come(shot: Film) -> None:
    frames = pictures(shot.mp4)
    first, last = frames[0].astype(int), frames[-1].astype(int)
    roll = np.s_[60:334, 46:630]
    assert np.abs(first - last)[roll].max() > 60
    vivid = [(frame[roll].max(2) - frame[roll].min(2)).max() for frame in (first, last)]
    assert vivid[1] > 100
    title, credit = last[:40, :200], last[:40, 560:]
    assert title.max() > 200
    assert credit.max() > 100


def test_the_same_piece_is_the_same_film(shot: Film) -> None:
    assert film.film(shot.played, shot.sound, title="Five notes", credit="Cadenza") == shot.mp4


def test_long_pieces_turn_their_pages() -> None:
    piece = Score(tuple(Event(onset, (60 + onset % 12,)) for onset in range(48)), 48, Fraction(1))
    played = performance.prepare(piece, tempo=400)
    frames = pictures(film.film(played, audio.render(played.midi(), format="wav")))
    ruler = [frame[55, 44:630].max(1).argmax() for frame in frames]
    assert sum(later < earlier - 100 for earlier, later in pairwise(ruler)) == 1


def test_notes_that_were_given_are_grey() -> None:
    played = performance.prepare(PIECE, tempo=200)
    mp4 = film.film(played, audio.render(played.midi(), format="wav"), primer_events=5)
    last = pictures(mp4)[-1][60:334, 46:630].astype(int)
    assert last.max() > 180
    assert (last.max(2) - last.min(2)).max() < 60


def test_what_has_no_notes_is_refused(shot: Film) -> None:
    with pytest.raises(PictureError, match="no notes"):
        film.film(performance.prepare(Score((), 16, Fraction(1))), shot.sound)


def test_an_encoder_that_dies_is_told_of(shot: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "MEMORY", 64 << 20)
    with pytest.raises(CadenzaError, match=r"crashed|memory"):
        film.film(shot.played, shot.sound)
