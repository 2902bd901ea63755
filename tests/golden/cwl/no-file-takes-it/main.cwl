cwlVersion: v1.0
class: Workflow
inputs: []
outputs: []
steps:
  first:
    run: {class: CommandLineTool, baseCommand: [ls, ../../../data], inputs: [], outputs: {found: stdout}}
    in: []
    out: [found]
  second:
    run: {class: CommandLineTool, baseCommand: cat, inputs: {found: {type: File, inputBinding: {}}}, outputs: []}
    in: {found: first/found}
    out: []
