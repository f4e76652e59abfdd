"""What users type to begin a piece with: the notation, note names, or a tune in ABC."""

from dataclasses import dataclass, replace
from typing import Any, Self

import discord
from discord import Interaction

from bot.work.workers import Work
from core.model.bundle import Params
from core.reading import melody
from core.reading.melody import Given, Primer
from core.reading.pool import read_safely


@dataclass(frozen=True, slots=True)
class Typed:
    """Hold a text that a piece begins with, for what model it is, and whether its B may be German.

    Of one that is `known` nobody needs to be told how it was read: it was shown before, or is the bot's own.
    """

    text: str
    params: Params
    german: bool = False
    known: bool = False

    @classmethod
    def by(cls, interaction: Interaction, text: str, params: Params) -> Self:
        """Take the text of somebody whose language Discord tells."""
        return cls(text, params, german=is_german(interaction))

    @property
    def is_tune(self) -> bool:
        """Tell whether it is a whole ABC tune, which is for a worker to read."""
        return melody.is_tune(self.text)

    @property
    def is_quick(self) -> bool:
        """Tell whether it can be read at once."""
        return not self.is_tune

    def check(self) -> None:
        """Refuse what is wrong, if that can be told at once. Raises CadenzaError."""
        if not self.is_tune:
            self.read()

    def read(self) -> Primer:
        """Read it here. Raises CadenzaError."""
        return self._primer(self.given())

    def given(self) -> Given:
        """Read it here, as it is before a model writes it. Raises CadenzaError."""
        return self._told(melody.from_text(self.text, **self._options()))

    async def primer(self, workers: Work) -> Primer:
        """Have it read by a worker. Raises CadenzaError."""
        return self._primer(await self.melody(workers))

    async def melody(self, workers: Work) -> Given:
        """Have it read by a worker, as it is before a model writes it. Raises CadenzaError."""
        return self._told(await workers.run(melody.from_text, self.text, **self._options()))

    def _options(self) -> dict[str, Any]:
        return {"anchor": self.params.anchor, "unit": self.params.unit, "german": self.german, "read": read_safely}

    def _told(self, given: Given) -> Given:
        return replace(given, words=()) if self.known else given

    def _primer(self, given: Given) -> Primer:
        return melody.to_primer(given, self.params.anchor, self.params.unit)


def is_german(interaction: Interaction) -> bool:
    """Tell whether somebody reads Discord in German."""
    return interaction.locale is discord.Locale.german
