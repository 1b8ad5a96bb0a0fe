"""The certificate: real fairseq beside ours, on files in every layout, and on one full-size file.

`make test-fairseq`; needs uv, a C++ compiler and Python's headers (fairseq is built once).
"""

import csv
import json
import subprocess

import pytest
import torch
import yaml
from safetensors.torch import load_file

from sdd.detector import (
    ARCHITECTURES,
    Detector,
    export_authors,
    load_detector,
    read_metadata,
    save_detector,
)
from tests.workflow.conftest import Workflow, copy_checkout

from .conftest import CHECKOUT

GOLDEN = CHECKOUT / "tests/golden"
VARIANTS = json.loads((GOLDEN / "variants.json").read_text())


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("variant", VARIANTS)
def test_authors_file_is_certified(certify, tmp_path, variant):
    output = tmp_path / "certificate.csv"
    status, shown, _ = certify(
        GOLDEN / f"{variant}.ckpt",
        "--architecture",
        json.dumps(VARIANTS[variant]),
        "--output",
        output,
    )
    assert status == 0
    assert shown.splitlines()[-1].startswith("passed")
    table = rows(output)
    assert [row["samples"] for row in table] == ["400", "719", "16000", "64000", "160000"]
    for row in table:
        assert row["fairseq"] == "0.12.2"
        assert float(row["embeddings"]) <= 5e-6
        # HuBERT's, tiny and with group norm, differ by 1.01e-6 on inputs of one length.
        assert float(row["logits"]) <= (2e-6 if variant.startswith("hubert") else 1e-6)
        # The reference did compute something.
        assert float(row["embedding_scale"]) > 0.5


def test_fairseq_file_is_certified_without_logits(certify, tmp_path):
    output = tmp_path / "certificate.csv"
    keys = json.dumps(VARIANTS["layer_norm_pre"])
    path = GOLDEN / "layer_norm_pre.pt"
    status, _, _ = certify(path, "--architecture", keys, "--output", output)
    assert status == 0
    assert all(float(row["embeddings"]) <= 5e-6 for row in rows(output))
    assert {row["logits"] for row in rows(output)} == {""}


def test_another_detector_fails(certify, tmp_path):
    keys = VARIANTS["layer_norm_pre"]
    detector = load_detector(GOLDEN / "layer_norm_pre.ckpt", keys)
    with torch.no_grad():
        detector.encoder.encoder.layers[0].fc1.bias[0] += 0.1
    save_detector(detector, tmp_path / "other.safetensors")
    status, shown, _ = certify(
        GOLDEN / "layer_norm_pre.ckpt",
        "--architecture",
        json.dumps(keys),
        "--ours",
        tmp_path / "other.safetensors",
    )
    assert status == 1
    assert shown.splitlines()[-1].startswith("FAILED")


def test_wrong_architecture_is_one_clear_error(certify):
    status, _, error = certify(GOLDEN / "layer_norm_pre.ckpt", "--architecture", "mms_300m")
    assert status == 1
    (line,) = error.strip().splitlines()
    assert line.startswith("error: ")
    assert "layer_norm_pre.ckpt does not fit" in line


def test_golden_files_are_what_fairseq_gives(tmp_path):
    script = GOLDEN / "make_golden.py"
    command = ["uv", "run", "--quiet", "--script", str(script), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert json.loads((tmp_path / "variants.json").read_text()) == VARIANTS
    for variant in VARIANTS:
        made, kept = (load_file(path / f"{variant}.safetensors") for path in (tmp_path, GOLDEN))
        assert made.keys() == kept.keys()
        for name, value in kept.items():
            torch.testing.assert_close(made[name], value, atol=1e-6, rtol=1e-6, msg=name)


def test_rule_certifies_what_the_workflow_made(tmp_path):
    """`snakemake certify` from the files of other people to one table."""
    folder = copy_checkout(tmp_path / "run")
    variant = "layer_norm_pre"
    keys = VARIANTS[variant]
    spec = {
        "architecture": keys,
        "checkpoints": {
            "post": {"source": str(GOLDEN / f"{variant}.ckpt"), "licence": "CC BY-NC-SA 4.0"},
            "pre": {"source": str(GOLDEN / f"{variant}.pt")},
        },
    }
    config = {
        "name": "golden",
        "models": {"tiny": spec},
        "rows": [
            {"model": "tiny", "init": init, "algorithm": algorithm}
            for init, algorithm in (("post", "none"), ("post", "sft"), ("pre", "sft"))
        ],
        "drift": {"model": "tiny", "panels": {"a": ["none", "sft"], "b": ["sft"]}},
    }
    (folder / "golden.yaml").write_text(yaml.safe_dump(config))
    output = Workflow(folder, "golden.yaml").run("--quiet", "all", "--", "certify")
    assert "error" not in output.lower()
    results = folder / "results/golden"
    post, pre = rows(results / "certificates.csv")
    assert (post["checkpoint"], pre["checkpoint"]) == tuple(
        str(GOLDEN / f"{variant}.{suffix}") for suffix in ("ckpt", "pt")
    )
    assert post["passed"] == pre["passed"] == "True"
    assert float(post["logits"]) <= 1e-6
    assert pre["logits"] == ""
    made = results / "checkpoints/tiny/post.safetensors"
    assert read_metadata(made)["licence"] == "CC BY-NC-SA 4.0"


@pytest.mark.slow
def test_full_size_mms_300m(certify, tmp_path):
    """Written as the authors write it, certified, exported, loaded again: the same weights."""
    detector = Detector(ARCHITECTURES["mms_300m"])
    detector.initialise(0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in detector.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=generator))
    written = tmp_path / "mms_300m.ckpt"
    torch.save({**detector.state_dict(), "m_ssl.model.mask_emb": torch.rand(1024)}, written)
    loaded = load_detector(written, "mms_300m")
    export_authors(loaded, tmp_path / "exported.ckpt")
    again = load_detector(tmp_path / "exported.ckpt", "mms_300m")
    for name, value in detector.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    output = tmp_path / "certificate.csv"
    lengths = ("--lengths", "400", "16000", "64000")
    for path in (written, tmp_path / "exported.ckpt"):
        status, shown, error = certify(
            path, "--architecture", "mms_300m", "--output", output, *lengths
        )
        assert status == 0, shown + error
        for row in rows(output):
            # Of values up to 4: float32 rounding through 24 layers.
            assert float(row["embeddings"]) <= 2e-5
            assert float(row["logits"]) <= 5e-6
