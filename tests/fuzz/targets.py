"""All that is fuzzed. A module for each kind of file; a new kind is added here."""

from types import MappingProxyType

from tests.fuzz import checkpoints, scores, tables
from tests.fuzz.target import Target

TARGETS = MappingProxyType[str, Target](
    {target.name: target for target in (*tables.TARGETS, *scores.TARGETS, *checkpoints.TARGETS)}
)
