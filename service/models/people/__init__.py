"""Freelancers and clients, staff, the installation, what was written to whom."""
