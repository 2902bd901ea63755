EVENTS = "data/events.txt"
