"""Learning rate over the steps of a training, the same for every trainer. Add another schedule here."""

WARM_UP = 0.1  # share of all steps


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """Warm up linearly over the first tenth of `steps`, then decay linearly to zero; `step` counts from 0."""
    warm = max(1, round(steps * WARM_UP))
    return peak * ((step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm))
