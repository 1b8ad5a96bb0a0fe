import yaml

from sdd.runtime.machine import Machine
from tests.helpers.paths import CHECKOUT

PAPER = yaml.safe_load((CHECKOUT / "config.yaml").read_text(encoding="utf-8"))


def test_a_machine_is_the_configs():
    assert Machine.of_config(PAPER, 3) == Machine(
        device="auto",
        threads=3,
        workers=4,
        save_minutes=15,
        checkpoint_activations="auto",
    )
    other = {**PAPER, "workers": 0, "save_state_minutes": 2.5, "device": "cpu"}
    assert Machine.of_config(other, 1) == Machine("cpu", 1, 0, 2.5, "auto")
    other = {**PAPER, "activation_checkpointing": True}
    assert Machine.of_config(other, 1).checkpoint_activations is True
