"""What core's tests share."""

from collections.abc import Iterator

import pytest

from core.training import recipe


@pytest.fixture(scope="session", autouse=True)
def hurried() -> Iterator[None]:
    """Let trainings take no time for what suits a model when it composes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "MEASURING", 0)
        yield
