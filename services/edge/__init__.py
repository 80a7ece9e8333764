"""The edge: what both HTTP services do alike, from the first byte to the shape of an error."""
