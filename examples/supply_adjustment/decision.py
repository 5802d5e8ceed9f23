"""What the controller's output means."""

TOLERANCE = 0.25
"""How far the proved change may lie from float32, in basis points."""


def decide(output: list[list[float]]) -> str:
    """Put a change in words."""
    bps = output[0][0]
    if abs(bps) < 1.0:
        return "hold"
    return "mint" if bps > 0.0 else "burn"
