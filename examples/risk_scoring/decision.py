"""What the four parameters mean to a lending market."""

TOLERANCE = {"loan_to_value": 0.004, "threshold": 0.004, "supply_cap": 4.0, "borrow_cap": 10_000.0}
"""How far each may lie from float32 where it is proved: shares, whole tokens of collateral, whole tokens of debt."""

CAREFUL_BELOW, CLOSED_BELOW = 0.75, 0.60


def decide(outputs: dict[str, list[list[float]]]) -> str:
    """Put the parameters in words."""
    ltv = outputs["loan_to_value"][0][0]
    if ltv < CLOSED_BELOW:
        return "close: hardly anything is lent"
    return "careful: less is lent" if ltv < CAREFUL_BELOW else "lend"
