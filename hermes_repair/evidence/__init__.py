"""What checks read: one scene over one look, and what is derived from rows and files for them."""
