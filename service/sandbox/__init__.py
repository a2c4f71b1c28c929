"""Stands in for the world when no Stripe key is set: Stripe over HTTP, its checkout page, a
mailbox, a clock that can be moved.

The product has one gateway, and it talks to this server through Stripe's real SDK. Nothing here is
imported by the product, and nothing of the product's operations is imported here; no money moves.
"""
