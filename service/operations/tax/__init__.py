"""Declarations, duties, withheld tax and what is filed. Sealed where it names a person."""
