"""The checks of `make bench-gpu` as tests: resume, masked bf16, memory, workers."""

import pytest
import torch

from benchmarks.gpu_checks import CHECKS

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", CHECKS)
def test_holds_on_a_gpu(name):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    CHECKS[name](torch.device("cuda"))
