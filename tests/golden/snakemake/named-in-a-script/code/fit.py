from models import gaussian, lines

print(gaussian(open("code/table.csv")))
