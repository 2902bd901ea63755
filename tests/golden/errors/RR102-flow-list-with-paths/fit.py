open('data/a.root'), open('data/b.root')
