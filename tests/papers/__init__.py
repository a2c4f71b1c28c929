"""Papers carry any text; a paper that cannot be made stops nothing."""
