cwlVersion: v1.2
class: Workflow
inputs: {events: File, calibration: File, bins: int}
outputs: []
steps:
  fit:
    run:
      class: CommandLineTool
      baseCommand: fit
      inputs:
        events: {type: File, inputBinding: {}}
        calibration: {type: File, inputBinding: {}}
        bins: {type: int, inputBinding: {}}
      outputs: []
    in: {events: events, calibration: calibration, bins: bins}
    out: []
