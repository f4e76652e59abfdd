"""How trainings end before their time when somebody says so."""

import pytest

from tests.bot.trainings import Scene


async def test_before_its_turn(scene: Scene) -> None:
    answer = await scene.start()
    await scene.admin.click(answer, label="Cancel")
    job = await scene.ended()
    assert (job.state, str(job.outcome)) == ("cancelled", "It was cancelled before it began.")
    assert scene.titles() == ["scales was cancelled"] * 2
    first, last = scene.channel.history()
    assert first.components == []
    assert last.content == scene.admin.mention


@pytest.mark.slow  # test_beginning.py stops one so early
async def test_before_there_is_anything_to_keep(scene: Scene) -> None:
    await scene.start()
    async with scene.bot.trainer:
        await scene.hold()
        await scene.admin.slash(scene.channel, "train cancel", training="scales", keep=True)
        scene.release()
        job = await scene.ended()
    assert job.state == "cancelled"
    assert "before there was anything to keep" in str(job.outcome)
    assert scene.models() == ()


async def test_twice(scene: Scene) -> None:
    await scene.start()
    await scene.admin.slash(scene.channel, "train cancel", training="scales")
    await scene.ended()
    [reply] = (await scene.admin.slash(scene.channel, "train cancel", training="scales")).followups
    assert reply.content == "This training has ended already."
