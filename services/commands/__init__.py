"""What people and systems may ask for; whatever is decided leaves through the outbox."""
