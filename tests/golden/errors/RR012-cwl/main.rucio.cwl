# Compiled by reana-rucio (output format 1) from other.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: Workflow
inputs: {}
outputs: []
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - events
      - calibration
      - receipt
  show:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs:
        events: {type: File, inputBinding: {}}
        calibration: {type: File, inputBinding: {}}
      outputs: []
    in: {events: rucio-stage-in/events, calibration: rucio-stage-in/calibration}
    out: []
