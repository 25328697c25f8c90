"""`pilcrow index`: finds files, knows which are new, reads, splits and embeds them, here or elsewhere, and stores them.

Does not know how a collection keeps them.
"""
