"""The melody that a chorale is made of, however it is given: the soprano, before the others have their notes."""

import math
from dataclasses import dataclass, replace

from bot.composing.typed import Typed
from bot.composing.uploads import Upload
from bot.models.catalogue import Catalogue
from bot.work.workers import Work
from core.composing import harmonizing
from core.composing.recipe import ComposeRequest
from core.errors import BundleError, Message, RequestError
from core.music.tempo import TEMPOS
from core.reading.melody import Given
from core.reading.names import write_names


@dataclass(frozen=True, slots=True)
class Soprano:
    """Hold a melody that is typed or in a file, of which the highest line is meant where no track is chosen."""

    source: Typed | Upload

    @property
    def is_quick(self) -> bool:
        """Tell whether it can be read at once."""
        return self.source.is_quick

    def check(self) -> None:
        """Refuse what is wrong, if that can be told at once. Raises CadenzaError."""
        self.source.check()

    def begun(self, request: ComposeRequest) -> tuple[ComposeRequest, tuple[Message, ...]]:
        """Return a request to harmonise what was typed, and how that was read. Raises CadenzaError."""
        assert isinstance(self.source, Typed)
        return _sung(request, self.source.given())

    async def begin(self, request: ComposeRequest, workers: Work) -> tuple[ComposeRequest, tuple[Message, ...]]:
        """Return a request to harmonise what a worker reads or hears, and how that was read. Raises CadenzaError."""
        return _sung(request, await self.source.melody(workers))


def model_for(catalogue: Catalogue, chosen: str | None) -> str:
    """Return the model that harmonises where nobody names one: the chosen one, if it can. Raises BundleError."""
    names = catalogue.names()
    for name in (chosen, *names):
        if name in names and harmonizing.can_harmonize(catalogue.params(name)):
            return str(name)
    raise BundleError(
        "No model here can harmonise a melody: it takes one that writes the highest note first, trained on music in"
        " several voices."
    )


def _sung(request: ComposeRequest, given: Given) -> tuple[ComposeRequest, tuple[Message, ...]]:
    tune = given.melody
    if not tune.notes:
        raise RequestError("This is silent: it has rests, but no notes.")
    tempo = request.tempo or tune.tempo
    written = replace(
        request,
        melody=write_names(tune),
        bars=math.ceil(tune.bars),
        tempo=None if tempo is None else float(min(max(tempo, TEMPOS[0]), TEMPOS[1])),
    )
    return written, given.words
