cp data/events.txt "$1"
