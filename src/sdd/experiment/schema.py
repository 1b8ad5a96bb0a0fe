"""Checking a configuration against the schema, with errors a user can act on."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sdd.errors import InputError


def check_config(config: Mapping[str, Any], schema: Path, files: Iterable[str | Path]) -> None:
    """Hold a configuration against its schema.

    Parameters
    ----------
    schema
        A JSON schema written as YAML.
    files
        The files that the configuration came from, for the message.

    Raises
    ------
    InputError
        At the first violation: the files, the key, the value and what is allowed.
    """
    import jsonschema
    import yaml

    with schema.open(encoding="utf-8") as stream:
        validator = jsonschema.Draft202012Validator(yaml.safe_load(stream))
    errors = sorted(validator.iter_errors(config), key=_rank)
    if errors:
        where = " + ".join(map(str, files)) or "configuration"
        raise InputError(f"{where}: {_explain(errors[0])}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest of the known names, or list them all.

    >>> did_you_mean("grop", ["grpo", "sft"])
    'did you mean grpo?'
    >>> did_you_mean("other", ["grpo", "sft"])
    'known: grpo, sft'
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"


def _rank(error: Any) -> tuple[bool, list[str]]:  # noqa: ANN401
    """Sort errors by key, but wrong choices first: they decide what else is allowed."""
    return error.validator != "enum", [str(part) for part in error.absolute_path]


def _explain(error: Any) -> str:  # noqa: ANN401 (jsonschema is untyped here)
    """Put a violation into one sentence: key, value, remedy."""
    key = ".".join(str(part) for part in error.absolute_path)
    value = error.instance
    shown = f"{key}: " if key else ""
    if error.validator == "additionalProperties" and isinstance(value, dict):
        known = error.schema.get("properties", {})
        extra = next(name for name in value if name not in known)
        return f"{shown}unknown key {extra!r}; {did_you_mean(str(extra), known)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in value)
        return f"{shown}key {missing!r} is missing"
    if error.validator == "dependentRequired":
        there, missing = next(
            (key, other)
            for key, others in error.validator_value.items()
            for other in others
            if key in value and other not in value
        )
        return f"{shown}key {there!r} needs key {missing!r} beside it"
    if error.validator == "type" and isinstance(value, str) and "number" in _types(error):
        hint = ""
        if re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", value):
            hint = " (in YAML an exponent needs a point before it and a sign: 1.0e-6, 1.0e+6)"
        return f"{key}: {value!r} is text, not a number; write it without quotes{hint}"
    if error.validator == "type":
        return f"{key}: {value!r} has the wrong type; it must be {' or '.join(_types(error))}"
    if error.validator == "enum":
        allowed = [str(choice) for choice in error.validator_value]
        return f"{key}: {value!r} is not allowed; {did_you_mean(str(value), allowed)}"
    if error.validator == "pattern" and "description" in error.schema:
        return f"{key}: {value!r} is not {error.schema['description']}"
    if error.validator == "not":
        return f"{key} does not belong here; remove it (see the comments in config.yaml)"
    return f"{shown}{value!r}: {error.message.removeprefix(repr(value)).strip()}"


def _types(error: Any) -> list[str]:  # noqa: ANN401
    types = error.validator_value
    return [types] if isinstance(types, str) else list(types)
