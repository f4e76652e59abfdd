"""Hyperparameters for a training: they fit the time, and little music gets steps enough."""

import pytest

from core.training.plan import TOKENS_A_SECOND, plan


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize("tokens", [34, 400, 4_000, 40_000, 400_000])
@pytest.mark.parametrize("seconds", [60, 180, 1800])
def test_what_is_planned_fits_the_time(tokens: int, seconds: int, based: bool) -> None:
    hyperparameters = plan(tokens, seconds, based=based, window=128)
    heard = tokens * hyperparameters.keys * hyperparameters.epochs
    assert heard <= max(TOKENS_A_SECOND * seconds, 2 * tokens)
    assert tokens * hyperparameters.keys > hyperparameters.batch * 128


def test_little_music_is_shown_in_all_keys_and_in_small_batches() -> None:
    hyperparameters = plan(400, 1800, based=True, window=128)
    assert (hyperparameters.keys, hyperparameters.batch) == (12, 3)
    assert plan(40_000, 1800, based=True, window=128).batch == 16


def test_a_base_is_changed_more_gently_than_a_network_learns_from_nothing() -> None:
    based, scratch = (plan(4_000, 1800, based=based, window=128) for based in (True, False))
    assert based.learning_rate < scratch.learning_rate
    assert based.epochs < scratch.epochs
