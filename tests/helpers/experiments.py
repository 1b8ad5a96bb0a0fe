"""The experiments of config.yaml and of the demo, with changes laid over them."""

import copy

import yaml

from sdd.experiment.experiment import Experiment
from tests.helpers.paths import CHECKOUT

DFE24 = ["dfe24_4s", "dfe24_10s", "dfe24_13s", "dfe24_30s", "dfe24_50s"]


def merge(config, overlay):
    """Lay a configuration over another as Snakemake does: mappings merge, lists replace."""
    merged = dict(config)
    for key, value in overlay.items():
        merged[key] = merge(merged.get(key) or {}, value) if isinstance(value, dict) else value
    return merged


PAPER = yaml.safe_load((CHECKOUT / "config.yaml").read_text(encoding="utf-8"))
CONTROLS = yaml.safe_load((CHECKOUT / "controls.yaml").read_text(encoding="utf-8"))
DEMO = merge(PAPER, yaml.safe_load((CHECKOUT / "demo/config.yaml").read_text(encoding="utf-8")))


def laid_over_paper(*names):
    """Lay files of the checkout over config.yaml, one after the other."""
    config = PAPER
    for name in names:
        config = merge(config, yaml.safe_load((CHECKOUT / name).read_text(encoding="utf-8")))
    return config


def experiment(overlay="{}", base=PAPER):
    # A copy: what a test changes is not another's.
    return Experiment(merge(copy.deepcopy(base), yaml.safe_load(overlay)))
