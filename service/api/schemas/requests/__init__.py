"""What comes in, by area: each schema with the `TypedDict` that its view gets. `…In` gives a
`…Body`, `…Query` gives `…Parameters`.
"""
