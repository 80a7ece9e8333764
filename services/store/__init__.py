"""Where rows rest: what a customer is."""
