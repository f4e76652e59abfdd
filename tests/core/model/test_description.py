"""What a model says of itself."""

from dataclasses import replace
from pathlib import Path

from core.model import bundle, description


def test_a_model_without_a_memory_says_how_to_get_one(tiny_model: Path) -> None:
    model = bundle.load(tiny_model)
    before = replace(model, params=replace(model.params, remembers=False))
    sentence = "training it again brings one"
    assert any(sentence in str(each) for each in description.introduction(before))
    assert not any(sentence in str(each) for each in description.introduction(model))
