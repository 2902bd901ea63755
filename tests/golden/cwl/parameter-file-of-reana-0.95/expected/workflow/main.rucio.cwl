# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: Workflow
inputs: {bins: int}
outputs: []
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - events
      - calibration
      - receipt
  fit:
    run:
      class: CommandLineTool
      baseCommand: fit
      inputs:
        events: {type: File, inputBinding: {}}
        calibration: {type: File, inputBinding: {}}
        bins: {type: int, inputBinding: {}}
      outputs: []
    in: {events: rucio-stage-in/events, calibration: rucio-stage-in/calibration, bins: bins}
    out: []
