"""Peak memory and time of loading and converting a checkpoint, beside the size of its weights.

`python benchmarks/loading.py --architecture xlsr_2b --layout ckpt` writes a file of random weights,
as large as the real one, into a temporary folder, and loads it in a fresh process. Peak is the
largest resident memory, pages mapped from the file included, as Linux counts it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from sdd.detector import ARCHITECTURES, Detector, save_detector

CHILD = r"""
import json, re, sys, time
from pathlib import Path
import torch
from sdd.detector.architectures import ARCHITECTURES
from sdd.detector.checkpoints.loading import load_detector
from sdd.detector.checkpoints.conversion import convert_checkpoint

def peak():
    # Not getrusage: its peak starts from that of the parent process.
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024

path, name, action = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
imports, started = peak(), time.perf_counter()
if action == "load":
    load_detector(path, name)
else:
    target = path.with_name("converted.safetensors")
    convert_checkpoint(path, target, name, encoder_only=False, metadata={})
    target.unlink()
print(json.dumps([imports, peak(), time.perf_counter() - started]))
"""


def write(path: Path, name: str, dtype: torch.dtype) -> int:
    """Write random weights of an architecture; give their bytes."""
    with torch.device("meta"):
        detector = Detector(ARCHITECTURES[name])
    generator = torch.Generator().manual_seed(0)
    state = {
        key: torch.empty(value.shape, dtype=dtype).normal_(0, 0.02, generator=generator)
        for key, value in detector.state_dict().items()
    }
    if path.suffix == ".ckpt":
        torch.save(state, path)
    else:
        detector.load_state_dict(state, assign=True)
        save_detector(detector, path)
    return sum(value.numel() * value.element_size() for value in state.values())


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="w2v_small", choices=list(ARCHITECTURES))
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--layout", default="ckpt", choices=["ckpt", "safetensors"])
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / f"checkpoint.{arguments.layout}"
        weights = write(path, arguments.architecture, getattr(torch, arguments.dtype))
        sys.stdout.write(
            f"{arguments.architecture}, {arguments.dtype}, .{arguments.layout}: "
            f"{weights / 1e9:.2f} GB of weights\n"
        )
        for action in ("load", "convert"):
            command = [sys.executable, "-c", CHILD, str(path), arguments.architecture, action]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
            imports, peak, seconds = json.loads(result.stdout)
            sys.stdout.write(
                f"{action:8} peak {peak / 1e9:.2f} GB = {peak / weights:.3f} x the weights "
                f"({(peak - imports) / weights:.3f} x beyond the imports' {imports / 1e9:.2f} GB), "
                f"{seconds:.1f} s\n"
            )


if __name__ == "__main__":
    main()
