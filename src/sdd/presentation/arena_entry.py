"""The `meta.yaml` by which the Speech Anti-Spoofing Arena knows a system."""

import re


def slug(name: str) -> str:
    """Write a name as the Arena wants it: lower case, digits and dashes.

    >>> slug("tiny_s post grpo, round 1")
    'tiny-s-post-grpo-round-1'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def arena_entry(name: str, description: str, repository: str, parameters: int) -> str:
    """Return the entry of a system, as YAML; a paper, which ranks it, is its submitter's to add.

    Parameters
    ----------
    repository
        Of the model on the hub, as ``owner/name``: its card says how to run it.
    parameters
        How many weights it has.
    """
    import yaml

    page = f"https://huggingface.co/{repository}"
    system = {
        "name": name,
        "slug": slug(name),
        "description": description,
        "code": page,
        "checkpoint": page,
        "params_millions": round(parameters / 1e6, 2),
    }
    text: str = yaml.safe_dump({"system": system}, sort_keys=False, allow_unicode=True)
    return text
