"""Finance: where the money is, months, exports, differences, tax."""
