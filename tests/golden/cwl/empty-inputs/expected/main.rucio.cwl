# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
inputs: [{"id": "rucio_stage_program", "type": "File"}]
outputs:
  numbers: {type: File, outputSource: count/numbers}
steps:
  rucio-stage-check:
    run: main.rucio-stage-check.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - receipt
  count:
    run:
      class: CommandLineTool
      baseCommand: [seq, '10']
      stdout: numbers.txt
      inputs: []
      outputs: {numbers: stdout}
    in: [{"id": "rucio_stage_check", "source": "rucio-stage-check/receipt"}]
    out: [numbers]
  rucio-stage-out:
    run: main.rucio-stage-out.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
      numbers: count/numbers
    out:
      - receipt
