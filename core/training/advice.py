"""Plain advice from a training's figures."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from core.errors import Message, counted, mark
from core.training.progress import Epoch

FEW_NOTES: Final = 20_000  # tokens of music, before transposition, under which a network from nothing learns little
OVERFIT: Final = 0.02  # nats that the held-out loss may rise above its best before it counts
STILL_IMPROVING: Final = 0.01  # nats an epoch
OFF_GRID: Final = 0.05  # share of onsets beside the grid
WIDE_GAP: Final = 0.4  # nats between training and held-out loss


def advise(
    history: Sequence[Epoch],
    *,
    tokens: int,
    pieces: int,
    unit: Fraction,
    on_grid: float | None,
    based: bool,
    stuck: float = 0,
) -> tuple[Message, ...]:
    """Say what a musician should know or do next; empty if all is well.

    `tokens` is the music trained on before transposition, `on_grid` the share of onsets on
    the grid of `unit`, `based` whether the training began from another model, `stuck` by how much
    larger a share of the model's pieces than of real ones repeats one note over and over.
    """
    best = min(history, key=lambda epoch: epoch.val_loss)
    last = history[-1]
    advice = []
    if stuck > 0:
        advice.append(
            mark(
                "It is not a good model yet: {share:.0%} of the pieces that it composed to try repeat one note over and"
                " over. Train it for longer, from another model, or with more music.",
                share=stuck,
            )
        )
    if tokens < FEW_NOTES and not based:
        advice.append(
            counted(
                "There is little music to train on ({count} piece, {tokens:,} tokens):"
                " start from a trained model, or add more pieces.",
                "There is little music to train on ({count} pieces, {tokens:,} tokens):"
                " start from a trained model, or add more pieces.",
                pieces,
                tokens=tokens,
            )
        )
    if on_grid is not None and 1 - on_grid > OFF_GRID:
        if finer := {Fraction(1): "1/2", Fraction(1, 2): "1/4"}.get(unit):
            advice.append(
                mark(
                    "{share:.0%} of the onsets lie off the grid of {unit} quarter and were moved onto it:"
                    " a rest unit of {finer} would suit this music better.",
                    share=1 - on_grid,
                    unit=unit,
                    finer=finer,
                )
            )
        else:
            advice.append(
                mark(
                    "{share:.0%} of the onsets lie off the grid of {unit} quarter and were moved onto it: the music is"
                    " played freely or has triplets, and quantised files would make a better model.",
                    share=1 - on_grid,
                    unit=unit,
                )
            )
    if still_improving(history):
        advice.append(mark("It was still improving when it stopped: train it for longer."))
    if last.val_loss - best.val_loss > OVERFIT:
        advice.append(
            mark(
                "Since epoch {best}, whose weights are kept, it has only been memorising its pieces:"
                " more music, or a smaller network, would help.",
                best=best.epoch,
            )
        )
    elif last is best and last.val_loss - last.loss > WIDE_GAP and not based:
        advice.append(mark("It knows its own pieces much better than new ones: more music would help."))
    return tuple(advice)


def still_improving(history: Sequence[Epoch]) -> bool:
    """Tell whether the held-out loss was still falling in the last epoch, whatever ended the training."""
    before = [epoch.val_loss for epoch in history[:-1]]
    return not before or min(before) - history[-1].val_loss > STILL_IMPROVING
