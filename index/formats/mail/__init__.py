"""Mails: their parts, the older mails quoted in them, and invitations."""
