"""Homes of any size, and the rows of the budget measured on them."""
