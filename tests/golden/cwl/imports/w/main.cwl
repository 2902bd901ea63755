cwlVersion: v1.0
class: Workflow
doc: {$include: doc.txt}
inputs:
  events: {type: File, doc: {$include: doc.txt}}
outputs: []
steps:
- $import: steps/count.yml
- id: again
  run: wc.cwl
  in: {file: "main.cwl#events"}
  out: []
