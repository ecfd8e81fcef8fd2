"""Many studies in one run: which they are, their calls side by side, and one page of them."""
