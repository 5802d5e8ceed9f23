"""What the controller's output means."""

TOLERANCE = {"supply_change": 0.00003}
"""How far the proved change may lie from float32, as a share of the supply."""

HOLD_BELOW = 0.0002


def decide(outputs: dict[str, list[list[float]]]) -> str:
    """Put a change in words."""
    change = outputs["supply_change"][0][0]
    if abs(change) < HOLD_BELOW:
        return "hold"
    return "mint" if change > 0.0 else "burn"
