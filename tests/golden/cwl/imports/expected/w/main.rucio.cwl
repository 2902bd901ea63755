# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
doc: {$include: doc.txt}
inputs: {}
outputs: []
steps:
- id: rucio-stage-in
  run: main.rucio-stage-in.escape.cwl
  in: {}
  out:
    - events
    - receipt
- $import: steps/count.rucio.yml
- id: again
  run: wc.cwl
  in: {file: "main.rucio.cwl#rucio-stage-in/events"}
  out: []
