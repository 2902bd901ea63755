# Compiled by reana-rucio (output format 1) from reana.yaml and select.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
inputs:
  pattern: string
  count:
    type: int
    default: 10
  extra: 'string?'
  rucio_stage_program: File
outputs:
  selected:
    type: File
    outputSource: select/selected
  log:
    type: File
    outputSource: select/log
steps:
  rucio-stage-in:
    run: select.rucio-stage-in.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - receipt
  select:
    run: select.cwl
    in:
      pattern: pattern
      count: count
      extra: extra
      events: rucio-stage-in/events
    out:
      - selected
      - log
  rucio-stage-out:
    run: select.rucio-stage-out.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
      selected: select/selected
    out:
      - receipt
