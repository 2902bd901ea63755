cwlVersion: v1.2
class: Workflow
inputs:
  events: File
outputs: []
steps:
  show:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs:
        events: {type: File, inputBinding: {}}
      outputs: []
    in: {events: events}
    out: []
