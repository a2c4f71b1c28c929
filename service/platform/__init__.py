"""What every process stands on and no business rule is in: settings, the clock, the database,
secrets, logs, limits.
"""
