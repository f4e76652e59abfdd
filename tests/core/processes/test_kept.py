"""What is kept as JSON is read after its fields have changed."""

import json
from dataclasses import dataclass

import pytest

from core.processes.kept import Kept, Values


@dataclass(frozen=True, slots=True)
class Leaf:
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree, whose `trunk` was `stem` until version 2, and whose `rings` were `years` until version 3."""

    trunk: str
    rings: int
    leaf: Leaf | None = None
    branches: tuple[tuple[str, int], ...] = ()


def _renamed(old: str, new: str, values: Values) -> Values:
    return {new if name == old else name: value for name, value in values.items()}


TREES = Kept(Tree, lambda values: _renamed("stem", "trunk", values), lambda values: _renamed("years", "rings", values))
OAK = Tree(trunk="thick", rings=80)


@pytest.mark.parametrize(
    "values",
    [
        {"stem": "thick", "years": 80},
        {"format": 1, "stem": "thick", "years": 80},
        {"format": 2, "trunk": "thick", "years": 80},
        {"format": 3, "trunk": "thick", "rings": 80},
        {"format": 3, "trunk": "thick", "rings": 80, "owner": "removed since"},
        {"format": 4, "trunk": "thick", "rings": 80, "height": "new"},
    ],
    ids=["before versions", "first", "second", "third", "with a field that is gone", "newer"],
)
def test_reads_every_version(values: Values) -> None:
    before = dict(values)
    assert TREES.read(values) == OAK
    assert values == before


def test_gives_back_what_it_was_given_as_json_has_it() -> None:
    tree = Tree(trunk="slim", rings=3, leaf=Leaf("green"), branches=(("left", 2), ("right", 3)))
    values = TREES.write(tree)
    assert json.loads(json.dumps(values)) == {
        "format": 3,
        "trunk": "slim",
        "rings": 3,
        "leaf": {"colour": "green"},
        "branches": [["left", 2], ["right", 3]],
    }
    assert TREES.read(json.loads(json.dumps(values))) == tree


def test_refuses_what_lacks_something() -> None:
    with pytest.raises(ValueError, match="rings"):
        TREES.read({"format": 3, "trunk": "thick"})
