"""What text may come in, and how people's text is shown."""
