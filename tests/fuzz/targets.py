"""All that is fuzzed. A module for each kind of file; a new kind is added here."""

from types import MappingProxyType

from tests.fuzz import audio, checkpoints, scores, tables
from tests.fuzz.target import Target

KINDS = (tables, scores, checkpoints, audio)
TARGETS = MappingProxyType[str, Target](
    {target.name: target for kind in KINDS for target in kind.TARGETS}
)
