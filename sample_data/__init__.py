"""Invented homes as readable text, and the script that builds them."""
