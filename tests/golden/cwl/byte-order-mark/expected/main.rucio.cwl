# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
inputs: [{"id": "rucio_stage_program", "type": "File"}]
outputs:
  plot: {type: File, outputSource: draw/plot}
steps:
  rucio-stage-check:
    run: main.rucio-stage-check.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - receipt
  draw:
    run:
      class: CommandLineTool
      baseCommand: draw
      inputs: []
      outputs: {plot: {type: File, outputBinding: {glob: plot.png}}}
    in: [{"id": "rucio_stage_check", "source": "rucio-stage-check/receipt"}]
    out: [plot]
  rucio-stage-out:
    run: main.rucio-stage-out.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
      plot: draw/plot
    out:
      - receipt
