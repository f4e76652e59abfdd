"""Bundles: loaded whole, checked, published by rename."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.errors import BundleError
from core.model import bundle, told
from core.model.bundle import Params


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def test_a_published_model_is_loaded_as_it_was(tiny_model: Path) -> None:
    loaded = bundle.load(tiny_model)
    assert loaded.name == "tiny"
    assert loaded.params.units_per_bar == 8
    assert {name: tensor.shape for name, tensor in loaded.weights.items()} == loaded.params.shapes
    assert all(tensor.dtype == np.float32 for tensor in loaded.weights.values())
    assert len(loaded.version) == 12


def test_publishing_replaces_the_whole_folder_and_leaves_nothing_else(copy: Path) -> None:
    before = bundle.load(copy)
    (copy / "stray.txt").write_text("from the model before")
    weights = {name: tensor + 1 for name, tensor in before.weights.items()}
    bundle.publish(copy, before.params, weights, "# notes\n", readme="A card.")
    assert sorted(path.name for path in copy.iterdir()) == [
        "README.md",
        "notes.txt",
        "params.json",
        "weights.safetensors",
    ]
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    assert bundle.load(copy).version != before.version


def test_a_publication_that_fails_leaves_the_old_model(copy: Path) -> None:
    before = bundle.load(copy)
    with pytest.raises(TypeError):
        bundle.publish(copy, Params(training={"oops": object()}), before.weights, "")
    assert bundle.load(copy).version == before.version
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def _edit(folder: Path, **values: object) -> None:
    path = folder / "params.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"format": 9}, "this version of Cadenza"),
        ({"units": 10**9}, "number of units is 1000000000; it must be from 1 to 2048"),
        ({"units": "24"}, "units is '24'"),
        ({"units": True}, "units is True"),
        ({"anchor": "middle"}, "anchor is 'middle'"),
        ({"rest_unit": "1/3"}, "rest unit is '1/3'"),
        ({"gravity": float("nan")}, "gravity is nan"),
        ({"tempo": 19}, "tempo is 19; it must be from 20 to 400"),
        ({"colour": 3}, "unknown parameters: colour"),
        ({"units": 32}, "do not belong together"),
    ],
)
def test_wrong_parameters_are_named(copy: Path, values: dict[str, object], sentence: str) -> None:
    _edit(copy, **values)
    with pytest.raises(BundleError, match=sentence):
        bundle.load(copy)


def test_a_model_from_before_phrases_is_the_same_model(copy: Path) -> None:
    now = bundle.load(copy)
    tensors = load_file(copy / "weights.safetensors")
    tensors["lstm0/kernel"] = tensors["lstm0/kernel"][: -told.PHRASES].copy()
    save_file(tensors, copy / "weights.safetensors")
    _edit(copy, format=2)
    before = bundle.load(copy)
    assert before.params == now.params
    assert (before.weights["lstm0/kernel"][-told.PHRASES :] == 0).all()
    kernel = now.weights["lstm0/kernel"]
    assert (before.weights["lstm0/kernel"][: -told.PHRASES] == kernel[: -told.PHRASES]).all()


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'{"format": 1', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_params_file_is_a_sentence(copy: Path, content: bytes) -> None:
    (copy / "params.json").write_bytes(content)
    with pytest.raises(BundleError):
        bundle.load(copy)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 64, b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_broken_weights_file_is_a_sentence(copy: Path, content: bytes) -> None:
    (copy / "weights.safetensors").write_bytes(content)
    with pytest.raises(BundleError):
        bundle.load(copy)


def test_weights_that_are_not_numbers_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "weights.safetensors")
    tensors["output/bias"][0] = np.nan
    save_file(tensors, copy / "weights.safetensors")
    with pytest.raises(BundleError, match="not numbers"):
        bundle.load(copy)


def test_a_missing_model_says_what_a_model_is(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"folder with params\.json"):
        bundle.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name", ["", "../etc", "UPPER", "a" * 33, "-a", "_a", ".hidden", "a b", "a/b", "a\n", "ä", "%2e"]
)
def test_hostile_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be a model's name"):
        bundle.check_name(name)


def test_names_lists_models_alone(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "one")
    shutil.copytree(tiny_model, tmp_path / ".one.1234.new")
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("")
    assert bundle.names(tmp_path) == ("one",)
    assert bundle.names(tmp_path / "absent") == ()
