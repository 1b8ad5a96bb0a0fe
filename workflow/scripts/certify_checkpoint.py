# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#   "fairseq==0.12.2", "torch==2.14.1", "numpy==2.4.6", "safetensors", "tqdm", "huggingface-hub",
# ]
# ///
"""Hold a checkpoint in our detector against the same file in real fairseq.

`uv run --script workflow/scripts/certify_checkpoint.py CKPT --architecture mms_300m`: fairseq has
the environment above to itself. Building it needs a C++ compiler and Python's headers.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from sdd.detector.certification import main

if __name__ == "__main__":
    sys.exit(main())
