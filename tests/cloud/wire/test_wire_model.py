"""Loading the models: complete, without documentation, and only as far as they are used."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from wire_client import SERVICES

from labsupport.cloud import wire
from labsupport.cloud.core import model


@pytest.mark.parametrize("service", SERVICES)
def test_a_model_is_botocores_without_its_documentation(service: str) -> None:
    """Compared with botocore's own loader, which also lays its extras over the models."""
    expected = without_documentation(Loader().load_service_model(service, "service-2"))
    own = Path(model.__file__).parent / "models" / f"{service}.extras.json"  # the lab's extras
    expected = model._merged(expected, json.loads(own.read_text())["merge"]) if own.exists() else expected
    loaded = wire.load(service)._service_description
    assert loaded["metadata"] == expected["metadata"]
    assert dict(loaded["operations"]) == expected["operations"]
    assert dict(loaded["shapes"]) == expected["shapes"]
    assert "documentation" not in json.dumps(dict(loaded["shapes"])).replace('"documentation": {"shape"', "")


def without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        kept = node.items()
        return {k: without_documentation(v) for k, v in kept if k != "documentation" or not isinstance(v, str)}
    return [without_documentation(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("service", SERVICES)
def test_names_protocols_and_errors_agree_with_botocore(service: str) -> None:
    full = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    loaded = wire.load(service)
    assert wire.operation_names(service) == set(full.operation_names)
    assert wire.protocol_of(loaded) == model.protocol_of(service) == full.resolved_protocol
    assert [shape.name for shape in loaded.error_shapes] == [shape.name for shape in full.error_shapes]


def test_models_are_loaded_once_and_in_pieces() -> None:
    assert wire.load("sts") is wire.load("sts") is model.load("sts")
    code = (
        "import msgspec; from labsupport.cloud import wire; s = wire.load('ec2'); "
        "wire.operation('ec2', 'DescribeVpcs').input_shape.members['Filters'].member.members; "
        "shapes = s._service_description['shapes']._values.values(); "
        "print(sum(type(v) is not msgspec.Raw for v in shapes), len(shapes))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    decoded, all_shapes = map(int, printed.split())
    assert decoded < 50 < 4000 < all_shapes


@pytest.mark.parametrize("name", ["nothing", "", "../s3", "s3/2006-03-01", "*"])
def test_an_unknown_service_is_named(name: str) -> None:
    with pytest.raises(LookupError, match="botocore has no model"):
        model.load(name)


def test_the_newest_version_is_taken() -> None:
    versions = [path.name for path in (Path(botocore.__file__).parent / "data" / "ec2").iterdir()]
    assert wire.load("ec2").api_version == max(versions)


def test_models_that_are_not_packed_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(botocore.__file__).parent / "data" / "sts" / "2011-06-15" / "service-2.json.gz"
    folder = tmp_path / "plain" / "2011-06-15"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_bytes(gzip.decompress(source.read_bytes()))
    monkeypatch.setattr(model, "_DATA", tmp_path)
    assert model.load("plain").operation_model("AssumeRole").name == "AssumeRole"
