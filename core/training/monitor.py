"""How a training is watched: a bar on the terminal, and files for TensorBoard."""

import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.errors import TrainingError
from core.training.progress import Epoch, Progress


class ProgressBar:
    """Show an epoch as a progress bar on standard error, and leave a line of figures behind it."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def show(self, progress: Progress) -> None:
        """Move the bar on."""
        if self._bar is None:
            self._bar = tqdm(
                total=progress.steps, unit="step", bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix}", leave=False
            )
        minutes, seconds = divmod(int(progress.seconds_left), 60)
        self._bar.set_description(f"epoch {progress.epoch}/{progress.epochs}", refresh=False)
        last = f", held-out {progress.last.val_loss:.3f}" if progress.last else ""
        self._bar.set_postfix_str(
            f"loss {progress.loss:.3f}{last}, accuracy {progress.accuracy:.3f},"
            f" {progress.tokens_per_second:,.0f} tokens/s, {minutes}:{seconds:02} left",
            refresh=False,
        )
        self._bar.update(progress.step - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def finish(self, epoch: Epoch) -> None:
        """Leave an epoch's figures in place of the bar."""
        self.close()
        self.say(
            f"epoch {epoch.epoch:3}  loss {epoch.loss:.4f}  held-out {epoch.val_loss:.4f}"
            f"  accuracy {epoch.val_accuracy:.3f}  {epoch.seconds:.0f} s  {epoch.tokens_per_second:,.0f} tokens/s"
        )

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        tqdm.write(line, file=sys.stderr)


def tensorboard(folder: Path) -> Callable[[Epoch], None]:
    """Return what writes an epoch's figures for TensorBoard. Raises TrainingError where that is impossible."""
    import tensorflow as tf

    if find_spec("tensorboard") is None:
        raise TrainingError("TensorBoard is not installed, whose files these are: pip install tensorboard.")
    try:
        writer = tf.summary.create_file_writer(str(folder))
        writer.flush()
    except tf.errors.OpError as error:
        raise TrainingError(
            "TensorBoard's files cannot be written to {folder}: {reason}.", folder=folder, reason=error.message
        ) from None

    def write(epoch: Epoch) -> None:
        with writer.as_default(step=epoch.epoch):
            for f in fields(Epoch)[1:]:
                tf.summary.scalar(f.name, getattr(epoch, f.name))
        writer.flush()

    return write
