"""Rules: the typed trees that published policies hold, one module a kind."""
