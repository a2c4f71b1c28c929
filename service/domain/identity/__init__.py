"""Who and what: actors, ids, addresses, names, permissions, tax forms."""
