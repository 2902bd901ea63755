cwlVersion: v1.2
class: Workflow
inputs:
  one: File
  all: Directory
  listed: File[]
  some: [{type: array, items: File}, "null"]
  name: string
  count: int
outputs: []
steps:
  show:
    run: show.cwl
    in: {one: one, all: all, listed: listed, some: some}
    out: []
  named:
    run: named.cwl
    in: {name: name, count: count}
    out: []
