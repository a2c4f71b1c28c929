"""Holdfast: Direct Contracts with protected payments.

The tree is the architecture; see docs/architecture.md.
"""

__version__ = "0.2.0"
