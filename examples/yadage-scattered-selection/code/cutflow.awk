# The number of events.
END { print NR }
