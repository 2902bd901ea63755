"""The stager of reana-rucio."""
# ... (its text stands here)
