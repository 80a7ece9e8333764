"""The edge: what both HTTP services do alike, from the first byte of a request to the shape of an error."""
