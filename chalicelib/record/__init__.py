"""The public record: one Merkle log of every journal entry, published so that all can check it."""
