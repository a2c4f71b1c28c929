"""The marketplace's own endpoints, people of staff, health, webhooks, dumps."""
