data: 1
