"""Models on many machines: rows say which there are, the storage has them, and each chat process a mirror of the rows.

What is mirrored stands where a server's own models stand on one machine, without weights and notes.
"""

import asyncio
import hashlib
import io
import json
import logging
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import StoreError, transaction
from bot.database.tables import MODELS
from bot.models import shelves
from bot.models.catalogue import SHARED, Catalogue
from bot.models.shelves import OBJECT, Shelves
from bot.work import storage
from bot.work.storage import Storage
from core.errors import BundleError
from core.processes.files import folder_whole

HEAVY: Final = ("weights.safetensors", "notes.txt")
LOOK: Final = 10.0  # seconds between two looks at the rows, if no news comes

_log = logging.getLogger(__name__)


class SharedShelves(Shelves):
    """Keep models for all machines; `data` is this one's folder, `say` tells the others of news."""

    def __init__(
        self, engine: AsyncEngine, store: Storage, data: Path, say: Callable[[str], Any], *, mirrors: bool = True
    ) -> None:
        self._engine, self._storage, self._data, self._say = engine, store, data, say
        self._mirrors = mirrors
        self._woken = asyncio.Event()

    async def place(self, model: Path, catalogue: Catalogue) -> None:
        """Put a model on a server's shelf: first into the storage, then into the rows, which is when it is there."""
        assert catalogue.server is not None
        await self._place(str(catalogue.server), model)

    async def remove(self, model: Path) -> None:
        """Take a model off its shelf at once."""
        await self._delete(model.parent.name, model.name)

    async def share(self, catalogue: Catalogue, name: str) -> None:
        """Offer a server's model to all servers. Raises BundleError."""
        model = shelves.own(catalogue, name)
        if name in catalogue.at(None).names():
            raise BundleError("There is a model called {name} for all servers already.", name=name)
        async with transaction(self._engine) as connection:
            row = await self._row(connection, model.parent.name, name)
            if row is not None:
                values = {**row._mapping, "server": SHARED}
                await connection.execute(upsert(MODELS).values(values).on_conflict_do_nothing())
        await self._spread()

    async def withdraw(self, catalogue: Catalogue, name: str) -> None:
        """No longer offer a shared model. Raises BundleError."""
        async with transaction(self._engine) as connection:
            row = await self._row(connection, SHARED, name)
        if row is None:
            raise BundleError("No model called {name!r} is shared.", name=name[:40])
        await self._delete(SHARED, name)

    async def digest(self, server: int, name: str) -> tuple[str, str] | None:
        """Return on which shelf a model stands that a server may use, and its digest; None for one that ships."""
        async with transaction(self._engine) as connection:
            for shelf in (str(server), SHARED):
                row = await self._row(connection, shelf, name)
                if row is not None:
                    return shelf, row.digest
        return None

    async def mirror(self) -> None:
        """Make this machine's folder as the rows are."""
        async with transaction(self._engine) as connection:
            rows = list(await connection.execute(select(MODELS)))
        await asyncio.to_thread(self._write, rows)

    @asynccontextmanager
    async def kept_up(self, hearing: Callable[[Callable[[str], None]], Any]) -> AsyncIterator[None]:
        """Bring what this machine alone has into the storage, and mirror the rows until the end."""
        await self._adopt()
        await self.mirror()
        async with hearing(self.hear):
            keeping = asyncio.create_task(self._keep_up())
            try:
                yield
            finally:
                keeping.cancel()

    async def _keep_up(self) -> None:
        while True:
            self._woken.clear()
            with suppress(StoreError):
                await self.mirror()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK)

    def hear(self, news: str) -> None:
        """Look at the rows if the news are of models."""
        if news in ("", "models"):
            self._woken.set()

    async def _place(self, server: str, model: Path) -> None:
        content = await asyncio.to_thread(storage.pack, model)
        digest = hashlib.sha256(content).hexdigest()
        await self._storage.put(storage.key(digest), content)
        values = {
            "server": server,
            "name": model.name,
            "digest": digest,
            "bytes": await asyncio.to_thread(_weight, model),
            "card": await asyncio.to_thread(_card, model),
            "created": datetime.now(UTC),
        }
        change = upsert(MODELS).values(values)
        index = [MODELS.c.server, MODELS.c.name]
        async with transaction(self._engine) as connection:
            await connection.execute(change.on_conflict_do_update(index_elements=index, set_=values))
        await self._spread()

    async def _delete(self, server: str, name: str) -> None:
        mine = (MODELS.c.server == server) & (MODELS.c.name == name)
        async with transaction(self._engine) as connection:
            digest = (await connection.execute(delete(MODELS).where(mine).returning(MODELS.c.digest))).scalar()
            same = await connection.execute(select(MODELS.c.name).where(MODELS.c.digest == digest).limit(1))
            last = digest is not None and same.scalar() is None
        if last:
            await self._storage.delete(storage.key(str(digest)))
        await self._spread()

    async def _spread(self) -> None:
        if self._mirrors:
            await self.mirror()
        await self._say("models")

    async def _row(self, connection: Any, server: str, name: str) -> Row[Any] | None:
        mine = (MODELS.c.server == server) & (MODELS.c.name == name)
        row: Row[Any] | None = (await connection.execute(select(MODELS).where(mine))).one_or_none()
        return row

    async def _adopt(self) -> None:
        """Bring models into the storage that were trained here before there were other machines."""
        for params in (self._data / "models").glob("[!.]*/[!.]*/params.json"):
            if not (params.parent / OBJECT).exists():
                _log.info("The model %s goes into the storage", params.parent.name)
                await self._place(params.parent.parent.name, params.parent)

    def _write(self, rows: list[Row[Any]]) -> None:
        known = set()
        for row in rows:
            folder = self._data / "models" / row.server / row.name
            known.add(folder)
            text = json.dumps({"digest": row.digest, "bytes": row.bytes})
            if not (folder / OBJECT).exists() or (folder / OBJECT).read_text(encoding="utf-8") != text:
                with folder_whole(folder) as coming:
                    storage.unpack(row.card, coming)
                    (coming / OBJECT).write_text(text, encoding="utf-8")
        for place in (self._data / "models").glob(f"*/*/{OBJECT}"):
            if place.parent not in known:
                shelves.remove(place.parent)


def _card(model: Path) -> bytes:
    """Pack what describes a model, without what is heavy."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in model.iterdir() if each.is_file() and each.name not in HEAVY):
            archive.writestr(path.name, path.read_bytes())
    return packed.getvalue()


def _weight(model: Path) -> int:
    return sum(path.stat().st_size for path in model.iterdir() if path.is_file())
