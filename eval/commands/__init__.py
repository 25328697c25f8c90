"""`pilcrow eval ...`: reads arguments, calls what measures, prints."""
