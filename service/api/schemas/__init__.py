"""Shapes of what comes in (`asked`) and goes out (`answered`).

Shape only: rules that need the database are operations.
"""
