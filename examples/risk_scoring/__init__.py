"""Risk scoring: the probability that a loan ends as bad debt within seven days."""
