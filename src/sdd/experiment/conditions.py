"""Conditions of test sets, as the config has them: checked, in one form, and in words."""

import re
from collections.abc import Mapping
from typing import Any

from sdd.data.audio.codecs import CODECS, in_kilobits
from sdd.errors import InputError

ORDER = ("gain", "noise", "snr", "resample", "codec", "bitrate", "quality")
"""Keys of a condition in the order of what happens (`sdd.data.audio.conditions`)."""


def normal_form(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a condition with its bit rate in bits per second, and its keys in `ORDER`.

    >>> normal_form({"bitrate": "16k", "codec": "opus"})
    {'codec': 'opus', 'bitrate': 16000}
    """
    values = {key: condition[key] for key in ORDER if key in condition}
    if "bitrate" in values:
        values["bitrate"] = _bits(values["bitrate"])
    return values


def _bits(bitrate: str | int) -> int:
    return bitrate if isinstance(bitrate, int) else round(1000 * float(bitrate.removesuffix("k")))


def check_condition(where: str, condition: Mapping[str, Any]) -> None:
    """Check that a codec has the bit rate or the quality that is asked for.

    Parameters
    ----------
    where
        Key of the condition, for the message.

    Raises
    ------
    InputError
        With what the codec has.
    """
    if "codec" not in condition:
        return
    name = condition["codec"]
    codec = CODECS[name]
    chosen = {
        "bitrate": (bool(codec.bitrates), f"such as {codec.choices}"),
        "quality": (codec.takes_quality, "from 0 to 1"),
    }
    for key, (takes, choices) in chosen.items():
        if key in condition and not takes:
            raise InputError(f"{where}.{key}: {name} has none to choose; remove it")
        if takes and key not in condition:
            raise InputError(f"{where}: {name} needs a {key}, {choices}")
    if codec.bitrates and not codec.has_bitrate(normal_form(condition)["bitrate"]):
        raise InputError(
            f"{where}.bitrate: {condition['bitrate']!r} is none that {name} has at "
            f"{codec.rate:,} Hz: {codec.choices}"
        )


def short_name(condition: Mapping[str, Any]) -> str:
    """Return a name that another condition does not have, for jobs and their logs.

    >>> short_name({"gain": -20, "codec": "amr", "bitrate": "12.2k"})
    'gain-20_amr-12p2k'
    """
    words = {"noise": "{}", "snr": "-{}dB", "codec": "{}", "bitrate": "-{}", "quality": "-q{}"}
    shown = _shown(condition)
    text = "".join(
        ("" if key in ("snr", "bitrate", "quality") else "_")
        + words.get(key, key + "{}").format(value)
        for key, value in shown.items()
    )
    return re.sub(r"[^A-Za-z0-9_-]", "p", text.removeprefix("_"))


def in_words(condition: Mapping[str, Any]) -> str:
    """Describe a condition.

    >>> in_words({"codec": "opus", "bitrate": "16k", "noise": "white", "snr": 20})
    'noise white, snr 20 dB, codec opus, bitrate 16k'
    """
    units = {"gain": " dB", "snr": " dB", "resample": " Hz"}
    return ", ".join(
        f"{key} {value}{units.get(key, '')}" for key, value in _shown(condition).items()
    )


def _shown(condition: Mapping[str, Any]) -> dict[str, str]:
    values = normal_form(condition)
    return {
        key: in_kilobits(value)
        if key == "bitrate"
        else f"{value:g}"
        if isinstance(value, int | float)
        else value
        for key, value in values.items()
    }
