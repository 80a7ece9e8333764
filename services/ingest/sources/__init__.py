"""Dialects: what others send, as events of ours; one vendor or dialect a module, pure."""
