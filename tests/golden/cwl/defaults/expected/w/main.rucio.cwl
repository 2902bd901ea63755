# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
inputs:
  rucio_stage_program: File
outputs: []
steps:
  rucio-stage-in-escape-1:
    run: main.rucio-stage-in.escape.1.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - receipt
  rucio-stage-in-escape-2:
    run: main.rucio-stage-in.escape.2.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - optional
      - receipt
  rucio-stage-in-escape-3:
    run: main.rucio-stage-in.escape.3.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - of-the-step_file
      - receipt
  rucio-stage-in-escape-4:
    run: main.rucio-stage-in.escape.4.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - of-the-tool_other
      - receipt
  of-the-workflow:
    run: wc.cwl
    in: {file: rucio-stage-in-escape-1/events, other: rucio-stage-in-escape-2/optional}
    out: []
  of-the-step:
    run: wc.cwl
    in:
      file:
        source: rucio-stage-in-escape-3/of-the-step_file
      other:
        source: rucio-stage-in-escape-2/optional
    out: []
  of-the-tool:
    run: wc.cwl
    in: {file: rucio-stage-in-escape-1/events, other: "rucio-stage-in-escape-4/of-the-tool_other"}
    out: []
