"""Homes with anything in them: every command ends as documented, and no message is lost."""
