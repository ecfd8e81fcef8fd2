"""One verified matrix of counts, and the names of its genes."""
