"""Gates: the shape of the code, checked by tools."""
