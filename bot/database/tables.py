"""The tables of the store. A change here needs a migration, which a test compares with them."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from core.errors import Message


class Moment(TypeDecorator[datetime]):
    """Keep moments in UTC, which SQLite's own type forgets."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Give a moment its time zone back."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)

    def process_bind_param(self, value: datetime | None, _: Dialect) -> Any:
        """Write a moment in UTC."""
        return None if value is None else value.astimezone(UTC)


class KeptMessage(TypeDecorator[Message]):
    """Keep messages as JSON; what earlier versions kept are finished texts."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, _: Dialect) -> Message | None:
        """Read a message."""
        if value is None:
            return None
        return Message.parse(json.loads(value) if value.startswith('{"') else value)

    def process_bind_param(self, value: Message | None, _: Dialect) -> str | None:
        """Write a message."""
        return None if value is None else json.dumps(asdict(value))


METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

OPERA: Final = Table(
    "opera",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("author", BigInteger, nullable=False),  # a Discord user's id, as are all authors and users
    Column("server", BigInteger),  # a Discord server's id, none for a direct message
    Column("parent", String(12)),  # the opus that this one came from; it may be gone
    Column("created", Moment, nullable=False),
    Column("model", String(32), nullable=False),
    Column("version", String(64), nullable=False),
    Column("rest_unit", String(8), nullable=False),
    Column("anchor", String(8), nullable=False),
    Column("request", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("given", Integer, nullable=False),  # events at the start that the model did not write
    Column("bars", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("parts", JSON(none_as_null=True)),  # the voices of what was harmonised
    Index(None, "author", "created"),
    Index(None, "parent"),
)

SHOWN: Final = Table(  # what stands in a showcase
    "shown",
    METADATA,
    Column("opus", String(12), ForeignKey("opera.id", ondelete="CASCADE"), primary_key=True),
    Column("server", BigInteger, nullable=False, index=True),
    Column("channel", BigInteger, nullable=False),
    Column("message", BigInteger, nullable=False),
)

RATINGS: Final = Table(
    "ratings",
    METADATA,
    Column("opus", String(12), ForeignKey("opera.id", ondelete="CASCADE"), primary_key=True),
    Column("user", BigInteger, primary_key=True, autoincrement=False),
)

SERVERS: Final = Table(
    "servers",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("model", String(32)),
    Column("temperature", Float),
    Column("bars", Integer),
    Column("showcase", BigInteger),  # a channel's id
    Column("trainers", BigInteger),  # a role's id
    Column("soundfont", String(255)),
    Column("taste", Boolean),  # whether what its members like is learned, none as usual
    Column("instrument", String(40)),
    Column("film", String(20)),  # when pieces are filmed
    Column("daily", BigInteger),  # the channel of its piece of the day, none for no such piece
    Column("hour", Integer),  # at which it comes
    Column("zone", String(64)),  # by the clocks of which time zone
)

DAYS: Final = Table(  # of which a server has a piece
    "days",
    METADATA,
    Column("server", BigInteger, primary_key=True, autoincrement=False),
    Column("date", String(10), primary_key=True),
    Column("channel", BigInteger, nullable=False),
    Column("beat", Moment, nullable=False),  # when a process began with it
    Column("takes", JSON(none_as_null=True)),  # the ids of the pieces, once they are shown
    Column("message", BigInteger),  # that asks for the best
    Column("closes", Moment),
    Column("winner", String(12)),
    Column("pinned", BigInteger),  # the message that shows the winner
)

VOTES: Final = Table(  # what members of a server like, as figures and without the music
    "votes",
    METADATA,
    Column("server", BigInteger, primary_key=True, autoincrement=False),
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(12), primary_key=True),  # how it was shown
    Column("opus", String(12), primary_key=True),  # it may be gone
    Column("liked", JSON(none_as_null=True)),  # the figures of what was liked, none for the average piece
    Column("others", JSON, nullable=False),  # and of what was not, none as well
    Column("moment", Moment, nullable=False),
    Index(None, "server", "moment"),
)

JAMS: Final = Table(  # that are going on, each in a thread
    "jams",
    METADATA,
    Column("thread", BigInteger, primary_key=True, autoincrement=False),
    Column("server", BigInteger, nullable=False, index=True),
    Column("starter", BigInteger),  # none when they had themselves forgotten
    Column("music", JSON, nullable=False),
    Column("text", Text, nullable=False),  # what has been played
    Column("turns", Integer, nullable=False),
    Column("holder", BigInteger),  # whose the next turn is, 0 for the bot
    Column("until", Moment),  # and until when
    Column("message", BigInteger),  # that shows the last turn
)

TURNS: Final = Table(  # of jams, but for those of users who had themselves forgotten
    "turns",
    METADATA,
    Column("thread", BigInteger, ForeignKey("jams.thread", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("user", BigInteger, nullable=False),  # 0 for the bot
)

FILMS: Final = Table(  # that are owed to messages
    "films",
    METADATA,
    Column("message", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", BigInteger, nullable=False),
    Column("server", BigInteger),  # none for a direct message
    Column("opus", String(12), ForeignKey("opera.id", ondelete="CASCADE"), nullable=False),
    Column("beat", Moment, nullable=False),  # when a process began with it
)

TRAININGS: Final = Table(
    "trainings",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("server", BigInteger, nullable=False, index=True),
    Column("user", BigInteger),  # who asked for it, none when they had themselves forgotten
    Column("channel", BigInteger, nullable=False),
    Column("message", BigInteger),  # that shows its progress
    Column("name", String(32), nullable=False),  # of the model to be
    Column("fingerprint", String(64), unique=True),  # of files and settings, none for what may be asked again
    Column("state", String(12), nullable=False, index=True),
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("ended", Moment),
    Column("base", String(32)),
    Column("size", String(12), nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("gathered", JSON, nullable=False),
    Column("starts", Integer, nullable=False),  # since it last finished an epoch
    Column("wish", String(12)),  # of who cancels it: to keep the best so far, or to drop it
    Column("outcome", KeptMessage),  # how it ended
    Column("told", Boolean, nullable=False),  # whether the end has been announced
    Column("locale", String(8), nullable=False, server_default="en-US"),  # of who asked for it
    Column("machine", String(32)),  # that trains it, where there are several
    Column("beat", Moment),  # its last sign of life
    Column("status", JSON(none_as_null=True)),  # how it goes
)

REQUESTS: Final = Table(  # that have not been answered, where several processes chat
    "requests",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # of the interaction
    Column("user", BigInteger, nullable=False, unique=True),
    Column("server", BigInteger, nullable=False, index=True),  # or the user, for a direct message
    Column("turn", Integer, nullable=False),
    Column("asked", Moment, nullable=False),
    Column("begun", Moment),  # when a machine took it up
    Column("chat", String(32)),  # the process that will answer, none if it was stopped
    Column("beat", Moment, nullable=False),  # its last sign of life
    Column("claimed", Boolean, nullable=False),  # whether its answer is being sent
    Column("origin", JSON, nullable=False),  # what it takes to answer without the process that was asked
    Column("job", JSON(none_as_null=True)),  # the composition that was asked for, none for other things
    Column("made", JSON(none_as_null=True)),  # the ids of what was composed
)

ALLOWANCES: Final = Table(
    "allowances",
    METADATA,
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    Column("spent", Float, nullable=False),
    Column("moment", Moment, nullable=False),  # when that was spent
)

RESULTS: Final = Table(  # of work on other machines; unlogged, for what a crash loses is made again
    "results",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("request", BigInteger, index=True),  # the interaction's id, if it is for one
    Column("starts", Integer, nullable=False),  # how often a machine began with it
    Column("data", LargeBinary),
    Column("expires", Moment, nullable=False, index=True),
)

MACHINES: Final = Table(  # that compose or train
    "machines",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("role", String(12), nullable=False),
    Column("slots", Integer, nullable=False),  # how much they do at once
    Column("seconds", Float, nullable=False),  # that a request takes there, in the mean
    Column("beat", Moment, nullable=False),
)

MODELS: Final = Table(  # that were trained, where there are several machines
    "models",
    METADATA,
    Column("server", String(20), primary_key=True),  # its id, or shared
    Column("name", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),  # under which the storage has it
    Column("bytes", BigInteger, nullable=False),
    Column("card", LargeBinary, nullable=False),  # its files but for weights and notes, as a zip file
    Column("created", Moment, nullable=False),
)

IDENTIFIED: Final = Table(  # when shards last did, where several processes have some
    "identified",
    METADATA,
    Column("bucket", Integer, primary_key=True, autoincrement=False),  # of those of which one may at a time
    Column("moment", Moment, nullable=False),
)

SYNCED: Final = Table(  # which commands Discord knows
    "synced",
    METADATA,
    Column("bot", BigInteger, primary_key=True, autoincrement=False),  # the application's id
    Column("digest", String(64), nullable=False),
)
