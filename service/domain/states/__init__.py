"""Which moves there are, what happens by itself, who is told, and when."""
