# Compiled by reana-rucio (output format 1) from reana.yaml and show.cwl: edit those and compile them again.
cwlVersion: v1.1
class: Workflow
requirements:
  SchemaDefRequirement:
    types:
      - name: 'show.cwl#show/named_sample'
        type: record
        fields:
          - name: events
            type: File
            secondaryFiles:
              - '^.idx'
          - name: title
            type: string
      - '$import': types.yml
inputs: {}
outputs: {}
steps:
  rucio-stage-in:
    run: show.rucio-stage-in.escape.cwl
    in: {}
    out:
      - sample
      - others
      - receipt
  show:
    run: show.cwl
    in:
      sample: rucio-stage-in/sample
      others: rucio-stage-in/others
    out: []
