"""What stands under a composition: buttons that are known by their ids alone, so that they survive restarts."""

from collections.abc import Iterable, Sequence
from typing import Final

from discord import ButtonStyle
from discord.ui import Button, View

from bot.chat import language
from bot.database.store import Opus

UNDER_A_PIECE: Final = (  # action, label, symbol, row
    ("again", "Again", "🎲", 0),
    ("vary", "Vary", "🔀", 0),
    ("continue", "Continue", "⏩", 0),
    ("takes", "Takes", "🎬", 0),
    ("tune", "Tune", "🎛️", 0),
    ("sheet", "Sheet", "🎼", 1),
    ("share", "Share", "📣", 1),
    ("delete", "Delete", "🗑️", 1),
)

RED: Final = frozenset({"delete", "train-cancel", "train-drop"})


def under(opus: Opus) -> View:
    """Lay out the buttons of a composition."""
    return _view(_button(action, label, symbol, row, opus.id) for action, label, symbol, row in UNDER_A_PIECE)


def under_takes(opera: Sequence[Opus]) -> View:
    """Lay out a button for each of several takes, to go on with it, and one that deletes them all."""
    further = [_button("continue", f"Go on with {n}", "⏩", 0, opus.id) for n, opus in enumerate(opera, 1)]
    return _view([*further, _button("delete", "Delete", "🗑️", 1, ".".join(opus.id for opus in opera))])


def under_showing(opus: Opus, likes: int) -> View:
    """Lay out the buttons of a composition in a showcase."""
    like = _button("like", str(likes), "❤️", 0, opus.id)
    return _view((like, _button("withdraw", "Withdraw", "↩️", 0, opus.id)))


def under_training(id: str) -> View:
    """Lay out the button of a training that has not ended."""
    return _view((_button("train-cancel", "Cancel", "🛑", 0, id),))


def under_question(id: str) -> View:
    """Lay out the ways in which a training can be cancelled."""
    keep = _button("train-keep", "Keep the best so far", "💾", 0, id)
    return _view((keep, _button("train-drop", "Throw it away", "🗑️", 0, id)))


def under_model(id: str, name: str) -> View:
    """Lay out the button of a model that has just been learned; `id` is the training's, which the model outlives."""
    return _view((_button("train-try", "Try it", "🎹", 0, f"{id}.{name}"),))


def _button(action: str, label: str, symbol: str, row: int, id: str) -> Button[View]:
    style = ButtonStyle.danger if action in RED else ButtonStyle.secondary
    return Button(style=style, label=language.sentence(label), emoji=symbol, custom_id=f"{action}:{id}", row=row)


def _view(buttons: Iterable[Button[View]]) -> View:
    view = View(timeout=None)
    for button in buttons:
        view.add_item(button)
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view
