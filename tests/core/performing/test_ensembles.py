"""Who plays: General MIDI, each at a place of its own, and by what a model's music is like."""

import pytest

from core.errors import RequestError
from core.model import bundle
from core.model.bundle import Params
from core.performing import ensembles
from core.performing.ensembles import ENSEMBLES, INSTRUMENTS


def test_every_instrument_is_general_midi() -> None:
    assert len(INSTRUMENTS) >= 20
    assert all(0 <= program <= 127 for program in INSTRUMENTS.values())
    assert len(set(INSTRUMENTS.values())) == len(INSTRUMENTS)
    assert not set(INSTRUMENTS) & set(ENSEMBLES)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_no_two_players_of_an_ensemble_sit_on_one_chair(name: str) -> None:
    chosen = ENSEMBLES[name]
    pans = [player.pan for player in chosen.players]
    assert pans == sorted(set(pans))
    assert all(0 < pan < 127 for pan in pans)


@pytest.mark.parametrize(("model", "name"), [("chorales", "choir"), ("fiddle", "fiddle and guitar")])
def test_who_plays_follows_from_a_model_s_music(model: str, name: str) -> None:
    assert ensembles.usual(bundle.load(bundle.SHIPPED / model).params) == name


def test_of_a_model_that_does_not_know_its_music_it_is_a_piano() -> None:
    assert ensembles.usual(Params()) == "piano"


def test_a_name_that_nobody_has_is_answered_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"called 'kazoo'. Choose one of: choir, .*, piano"):
        ensembles.ensemble("kazoo")
