"""The votes of servers, in both databases."""

from datetime import UTC, datetime, timedelta

from bot.database.store import Store
from bot.database.votes import MOST, Choice

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def choice(number: int, server: int = 7, user: int = 1) -> Choice:
    moment = THEN + timedelta(seconds=number)
    return Choice(
        server=server, user=user, kind="pick", opus=f"o{number}", liked={"leaps": 0.5}, others=[{}], moment=moment
    )


async def test_keeps_a_vote_of_a_member_on_a_piece_once(store: Store) -> None:
    assert await store.votes.stamp(7) == (0, None)
    await store.votes.add(choice(1))
    await store.votes.add(choice(1))
    await store.votes.add(choice(1, user=2))
    assert await store.votes.of(7) == (choice(1), choice(1, user=2))
    assert await store.votes.stamp(7) == (2, choice(1).moment)
    await store.votes.take_back(7, 1, "like", "o1")
    await store.votes.take_back(7, 1, "pick", "o1")
    assert await store.votes.of(7) == (choice(1, user=2),)


async def test_forgets_one_server_or_one_user(store: Store) -> None:
    for number, (server, user) in enumerate(((7, 1), (7, 2), (8, 1))):
        await store.votes.add(choice(number, server, user))
    await store.forget(1)
    assert [await store.votes.of(server) for server in (7, 8)] == [(choice(1, 7, 2),), ()]
    await store.votes.forget(7)
    assert await store.votes.of(7) == ()


async def test_the_oldest_of_too_many_go(store: Store) -> None:
    for number in range(MOST + 2):
        await store.votes.add(choice(number))
    kept = await store.votes.of(7)
    assert len(kept) == MOST
    assert kept[0] == choice(2)
