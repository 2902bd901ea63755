"""One module for each engine of REANA. Each has ``graft(task, report)``; they share nothing but the plan."""
