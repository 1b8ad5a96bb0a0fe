"""Toy corpora: synthetic speech and fakes in the trees of the released corpora."""

from sdd.data.toy.releases import CORPORA, write_corpus, write_toy_corpora

__all__ = ["CORPORA", "write_corpus", "write_toy_corpora"]
