"""Which prompt files say what, in the office's language. Pure: nothing here plays them."""

from b2bua.phrases.errors import MalformedGrammar, UnknownPrompt
from b2bua.phrases.grammar import Grammar
from b2bua.phrases.phrasebook import Phrasebook

__all__ = ["Grammar", "MalformedGrammar", "Phrasebook", "UnknownPrompt"]
