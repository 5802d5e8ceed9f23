"""Governance analysis: whether a proposal is routine, needs review, or is a candidate for a veto."""
