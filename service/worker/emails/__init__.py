"""From a fact to a letter: who is told, in whose name, with which words, in two forms."""
