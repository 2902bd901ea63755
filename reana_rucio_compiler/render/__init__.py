"""How diagnostics look: one module for each format."""
