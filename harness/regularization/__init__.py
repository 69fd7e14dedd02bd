"""The regularizer: pixel similarity, targets, which pairs are drawn, and the similarity loss (paper, section 3)."""
