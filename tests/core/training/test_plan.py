"""Hyperparameters for a training: they fit the time, and little music gets steps enough."""

import pytest

from core.training.plan import TOKENS_A_SECOND, is_ample, left_out, plan


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize("tokens", [34, 400, 4_000, 40_000, 400_000])
@pytest.mark.parametrize("seconds", [60, 180, 1800])
def test_what_is_planned_fits_the_time(tokens: int, seconds: int, based: bool) -> None:
    hyperparameters = plan(tokens, seconds, based=based, window=128)
    heard = tokens * hyperparameters.keys * hyperparameters.epochs
    assert heard <= max(TOKENS_A_SECOND * seconds, 2 * tokens)
    assert tokens * hyperparameters.keys > hyperparameters.batch * 128


def test_the_time_is_made_use_of_where_it_does_not_allow_one_more_key() -> None:
    tokens, seconds = 250_000, 1_150  # 18 hearings
    hyperparameters = plan(tokens, seconds, based=True, window=128)
    assert hyperparameters.keys * hyperparameters.epochs == TOKENS_A_SECOND * seconds // tokens


def test_less_is_left_out_while_little_was_heard() -> None:
    shares = [left_out(turns)["dropout"] for turns in (1, 7, 24, 100)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_music_is_ample_where_the_time_allows_all_keys_and_epochs() -> None:
    assert is_ample(4_000, 1_800, based=True)
    assert not is_ample(400_000, 600, based=True)


def test_little_music_is_shown_in_all_keys_and_in_small_batches() -> None:
    hyperparameters = plan(400, 1800, based=True, window=128)
    assert (hyperparameters.keys, hyperparameters.batch) == (12, 3)
    assert plan(40_000, 1800, based=True, window=128).batch == 16


def test_little_music_changes_a_base_more_gently_than_much_or_than_a_network_learns_from_nothing() -> None:
    based, scratch = (plan(4_000, 1800, based=based, window=128) for based in (True, False))
    assert based.learning_rate == 1e-3
    assert based.learning_rate < scratch.learning_rate == plan(200_000, 1800, based=True, window=128).learning_rate
    assert based.epochs < scratch.epochs
