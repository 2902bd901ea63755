cwlVersion: v1.2
class: Workflow
inputs: {run: Directory, more: 'File[]', bins: int}
outputs: []
steps:
  list:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs: {run: {type: Directory, inputBinding: {}}, more: {type: 'File[]', inputBinding: {}}, bins: int}
      outputs: []
    in: {run: run, more: more, bins: bins}
    out: []
