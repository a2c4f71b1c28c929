"""Stripe over HTTP: the API that the SDK calls, and the pages that people see."""
