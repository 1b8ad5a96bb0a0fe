"""Libraries that not everybody needs: those of an extra of the package, such as `figures`."""

from importlib.util import find_spec

from sdd.errors import InputError


def require_extra(module: str, extra: str, *, what: str) -> None:
    """Refuse what needs a library that is not installed, before the work.

    Parameters
    ----------
    module
        Top-level name by which the library is imported.
    extra
        Of the package: what installs it.
    what
        Needs it, in the user's words, such as an option.

    Raises
    ------
    InputError
        If the library is not there: how to install it.
    """
    _require(module, what, f"pip install 'sdd-grpo[{extra}]'.")


def require_group(module: str, group: str, *, what: str) -> None:
    """Refuse what needs a library of a dependency group of the checkout that is not installed.

    Parameters
    ----------
    module, what
        As of `require_extra`.
    group
        Of `[dependency-groups]` in pyproject.toml.

    Raises
    ------
    InputError
        If the library is not there: how to install it.
    """
    _require(module, what, f"uv sync --frozen --all-extras --group {group} (uv may be in .uv/bin).")


def _require(module: str, what: str, remedy: str) -> None:
    if find_spec(module) is None:
        raise InputError(f"{what} needs {module}, which is not installed here: {remedy}")
