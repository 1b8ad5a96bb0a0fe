"""Corpora: the tree of each release, read as a protocol, the list of its utterances.

A module a release; `own` reads corpora of the user's own. All give a `listing.Listing`, of which
`listing.make_protocol` makes the protocol. The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

from sdd import lazy_names

if TYPE_CHECKING:
    from sdd.data.corpora.protocol import format_protocol, read_protocol, write_protocol
    from sdd.data.corpora.readers import READERS, find_reader, list_corpus, read_corpus

__all__ = [
    "READERS",
    "find_reader",
    "format_protocol",
    "list_corpus",
    "read_corpus",
    "read_protocol",
    "write_protocol",
]

__getattr__ = lazy_names(
    __name__,
    {
        "READERS": "readers",
        "find_reader": "readers",
        "format_protocol": "protocol",
        "list_corpus": "readers",
        "read_corpus": "readers",
        "read_protocol": "protocol",
        "write_protocol": "protocol",
    },
)
