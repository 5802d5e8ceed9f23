"""What the class probabilities mean."""

CLASSES = ("routine", "review", "veto_candidate")

TOLERANCE = 0.02
"""How far each proved probability may lie from float32."""


def decide(output: list[list[float]]) -> str:
    """Name the likeliest class."""
    probabilities = output[0]
    return CLASSES[probabilities.index(max(probabilities))]
