from __future__ import annotations

import threading
from pathlib import Path

import pytest

from services.generator import load
from services.generator.models import sources, tiny
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.tiny import TinyKind, ensure_tiny
from shared.process.settings import Settings
from tests.unit.generator.folders import saved_as


def find(model: str) -> ModelFolder:
    return sources.find(Settings(model=model)).model


def test_a_folder_that_is_not_there_or_holds_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no folder"):
        find("/no/such/folder")
    with pytest.raises(ModelError, match=r"no model_index\.json"):
        find(str(tmp_path))
    (tmp_path / "model_index.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        find(str(tmp_path))
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(ModelError, match="names no pipeline"):
        find(str(tmp_path))


def test_a_hub_id_that_cannot_be_fetched_is_said() -> None:
    with pytest.raises(ModelError, match="neither a folder here nor a model that could be fetched"):
        find("parafovea/no-such-model")


def test_a_model_whose_files_are_missing_is_said(tmp_path: Path) -> None:
    saved_as(tmp_path / "m", "StableDiffusionInpaintPipeline", unet=["diffusers", "UNet2DConditionModel"])
    with pytest.raises(ModelError, match="cannot be loaded as a model that does inpaint"):
        load.load_engine(Settings(model=str(tmp_path / "m"), device="cpu"))


def test_the_default_is_the_embedded_model_and_without_it_a_refusal_with_the_path(
    tmp_path: Path, tiny_folder: Path
) -> None:
    with pytest.raises(ModelError, match=str(tmp_path / "embedded")):
        load.load_engine(Settings(device="cpu"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "embedded").symlink_to(ensure_tiny(tiny_folder, "layer"))
    info = load.load_engine(Settings(device="cpu"), tmp_path).info
    assert (info.model.id, info.model.kind) == ("parafovea/embedded", "layer")


def test_the_embedded_model_is_the_same_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved_as(tmp_path / "generation" / "models" / "embedded", "FluxPipeline")
    here = find("")
    assert here.pipeline == "StableDiffusionPipeline"
    assert here.folder == Path(__file__).parents[3] / "generation" / "models" / "embedded"


@pytest.mark.parametrize(("name", "kind"), [("tiny", "inpaint"), ("tiny-layer", "layer"), ("tiny-edit", "edit")])
def test_a_model_of_random_weights_is_had_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, kind: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    info = load.load_engine(Settings(model=name, device="cpu")).info
    assert (info.model.id, info.model.kind) == (f"parafovea/tiny-{kind}-{tiny.VERSION}", kind)
    assert "random weights" in caplog.text
    saved_as(tmp_path / name, "FluxPipeline")
    assert find(name).pipeline == "FluxPipeline", "a folder of that name is what its owner means"


@pytest.mark.parametrize("name", ["tiny-", "tiny-unknown", "Tiny", "tiny-layer-1"])
def test_another_name_is_no_random_model(name: str) -> None:
    with pytest.raises(ModelError, match="There is no folder"):
        find(name)


def test_the_kind_can_be_set(tiny_folder: Path) -> None:
    folder = str(ensure_tiny(tiny_folder, "inpaint"))
    info = load.load_engine(Settings(model=folder, model_kind="edit", device="cpu", dtype="bfloat16")).info
    assert (info.model.kind, info.dtype) == ("edit", "bfloat16")


@pytest.mark.parametrize("kind", ["inpaint", "edit", "layer", "text"])
def test_tiny_models_are_the_same_each_time_and_built_once(tmp_path: Path, tiny_folder: Path, kind: TinyKind) -> None:
    here, there = ensure_tiny(tmp_path, kind), ensure_tiny(tiny_folder, kind)
    weights = sorted(path.relative_to(here) for path in here.rglob("*.safetensors"))
    assert len(weights) == 3
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in weights)
    assert list(tmp_path.iterdir()) == [here]
    before = (here / "model_index.json").stat().st_mtime_ns
    assert (ensure_tiny(tmp_path, kind) / "model_index.json").stat().st_mtime_ns == before


def test_concurrent_starts_each_find_a_whole_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting, found = threading.Barrier(3), []

    def build(folder: Path, kind: TinyKind) -> None:
        (folder / "model_index.json").write_text("{}")
        (folder / "weights").write_text("w")
        meeting.wait(10)

    monkeypatch.setattr(tiny, "_build", build)
    threads = [threading.Thread(target=lambda: found.append(ensure_tiny(tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 3
    assert [path.name for path in tmp_path.iterdir()] == [found[0].name]
    assert (found[0] / "weights").read_text() == "w"
