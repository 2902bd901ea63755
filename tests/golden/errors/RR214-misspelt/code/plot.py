print("data/part_2.root")
