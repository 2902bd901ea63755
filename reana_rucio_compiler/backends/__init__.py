"""One module for each engine of REANA. Each has ``graft(document, plan, report)``, and they share nothing but the plan."""
