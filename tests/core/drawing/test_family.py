"""The picture of a family: one box a piece, none over another, and the chosen one stands out."""

import io

import numpy as np
import pytest
from PIL import Image

from core.drawing.family import Member, tree
from core.errors import PictureError


def drawn(members: list[Member], chosen: str = "") -> np.ndarray:
    return np.asarray(
        Image.open(io.BytesIO(tree(members, "The family of Evening Chorale in F", chosen))).convert("RGB")
    )


def test_it_grows_with_its_widest_generations_and_not_with_its_depth() -> None:
    line = [Member(str(number), str(number - 1) if number else None, "Reel in G") for number in range(4)]
    wide = [line[0], *(Member(str(number), "0", "Reel in G") for number in range(1, 6))]
    assert drawn(line).shape == drawn(line[:1]).shape
    assert drawn(wide).shape[0] > drawn(line).shape[0]


def test_a_deep_family_is_wider_than_other_pictures_and_stays_legible() -> None:
    deep = [Member(str(number), str(number - 1) if number else None, "Reel in G") for number in range(12)]
    assert drawn(deep).shape[1] > drawn(deep[:3]).shape[1]


def test_the_chosen_piece_stands_out() -> None:
    members = [Member("a", None, "Jig in D"), Member("b", "a", "Reel in G"), Member("c", "a", "Waltz in F♯ minor")]
    plain, chosen = drawn(members), drawn(members, "b")
    rows, columns = np.nonzero((plain != chosen).any(2))
    middle = plain.shape[1] / 3
    assert columns.min() > middle
    assert rows.max() < plain.shape[0] / 2 + 20


def test_a_piece_whose_parent_is_gone_is_a_first_one() -> None:
    orphans = [Member("a", "gone", "Jig in D"), Member("b", "gone too", "Reel in G")]
    assert drawn(orphans).shape == drawn([Member("a", None, "Jig in D"), Member("b", None, "Reel in G")]).shape


def test_nobody_cannot_be_drawn() -> None:
    with pytest.raises(PictureError, match="no piece"):
        tree([], "")
