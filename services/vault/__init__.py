"""Where the keys rest: what turns a person's data into noise, and back."""
