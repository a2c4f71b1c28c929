"""People of staff: how they come in, what the console shows them, and what an action would do."""
