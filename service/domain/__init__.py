"""The pure core: money, fees, states, the chart of accounts, errors.

Knows no framework, clock, database or network.
"""
