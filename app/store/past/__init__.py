"""Past: every judged reading as points of series, and back."""
