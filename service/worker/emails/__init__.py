"""From a fact to an e-mail: who is told, in whose name, with which words, in two forms."""
