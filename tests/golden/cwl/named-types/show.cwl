cwlVersion: v1.1
class: CommandLineTool
id: show
requirements:
  SchemaDefRequirement:
    types:
      - name: named_sample
        type: record
        fields:
          - name: events
            type: File
            secondaryFiles: [^.idx]
            inputBinding: {prefix: --events}
          - {name: title, type: string}
      - $import: types.yml
baseCommand: echo
inputs:
  sample: '#show/named_sample'
  others: {type: {type: array, items: types.yml#other}}
outputs: []
