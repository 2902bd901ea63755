print("fitted")
