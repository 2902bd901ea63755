cwlVersion: v1.2
class: Workflow
inputs:
  events: File
  calibration: File
outputs: []
steps:
  show:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs:
        events: {type: File, inputBinding: {}}
        calibration: {type: File, inputBinding: {}}
      outputs: []
    in: {events: events, calibration: calibration}
    out: []
