# the other output is made here
python3 -c "print()" > mass.pdf
