"""Music files that users hand over, to begin a piece with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import discord
from discord import Attachment

from bot.work.workers import Work
from core.errors import CadenzaError
from core.model.bundle import Params
from core.reading import formats, melody, primers, sounds
from core.reading.formats import Budget
from core.reading.melody import Given, Passage, Primer
from core.reading.pool import listen_safely, read_safely
from core.reading.sounds import SoundBudget

BARS: Final = 4  # of a file that a piece begins with, where nobody has chosen
MIB: Final = 1 << 20
READ: Final = (*formats.ENDINGS, *sounds.ENDINGS)


class UploadError(CadenzaError):
    """Say what is wrong with a file before anybody has read it, or with the lack of one."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Hold a music file or a sound that is still at Discord, for what model it is, and which bars of it are wanted.

    Those are the last ones, where neither a track is named nor a first bar.
    """

    attachment: Attachment
    params: Params
    bars: int = BARS
    track: str | None = None
    first_bar: int | None = None

    @classmethod
    def among(cls, attachments: Sequence[Attachment], params: Params) -> Self:
        """Choose the music file among the attachments of a message. Raises UploadError unless there is just one."""
        music = [each for each in attachments if each.filename.lower().endswith(formats.ENDINGS)]
        music = music or [each for each in attachments if each.filename.lower().endswith(sounds.ENDINGS)]
        kinds = ", ".join(READ)
        if not music:
            raise UploadError("There is no music file in this message. I can read {kinds}.", kinds=kinds)
        if len(music) > 1:
            raise UploadError(
                "There are {count} music files in this message. Give the one that you mean to /compose, in its option"
                " file.",
                count=len(music),
            )
        return cls(music[0], params)

    def check(self) -> None:
        """Refuse what is too large to be read, before it is fetched. Raises UploadError."""
        is_sound = self.attachment.filename.lower().endswith(sounds.ENDINGS)
        most = SoundBudget().file_bytes if is_sound else Budget().file_bytes
        if self.attachment.size > most:
            raise UploadError(
                "{name} is {size:.1f} MiB; I read files of up to {most:g} MiB.",
                name=self.attachment.filename,
                size=self.attachment.size / MIB,
                most=most / MIB,
            )

    @property
    def is_quick(self) -> bool:
        """Tell whether it can be read at once."""
        return False

    async def melody(self, workers: Work) -> Given:
        """Fetch the file and have a worker read its melody. Raises ReadingError and UploadError."""
        return await workers.run(
            melody.from_file,
            await fetch(self.attachment),
            self.attachment.filename,
            Passage(self.track, self.first_bar, self.bars),
            read=read_safely,
            listen=listen_safely,
        )

    async def primer(self, workers: Work) -> Primer:
        """Fetch the file and have a worker write the bars that are wanted. Raises ReadingError and UploadError."""
        return await workers.run(
            primers.from_music,
            await fetch(self.attachment),
            self.attachment.filename,
            anchor=self.params.anchor,
            unit=self.params.unit,
            bars=self.bars,
            track=self.track,
            first_bar=self.first_bar,
            read=read_safely,
            listen=listen_safely,
        )


async def fetch(attachment: Attachment) -> bytes:
    """Fetch a file from Discord. Raises UploadError."""
    try:
        return await attachment.read()
    except discord.HTTPException:
        raise UploadError("The file is no longer there. Upload it again.") from None
