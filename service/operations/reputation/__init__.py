"""What counts and what does not, feedback, certificates of earnings."""
