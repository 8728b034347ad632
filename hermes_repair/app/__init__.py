"""One function per command; this room alone knows the order of things."""
