"""The independent verifier, against worlds that are written here from the text of the formats."""
