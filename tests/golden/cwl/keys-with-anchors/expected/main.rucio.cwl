# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
&version cwlVersion: v1.0
class: Workflow
inputs:
  title: string
outputs:
  &all plot: {type: File, outputSource: draw/plot}
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - events
      - receipt
  &step draw:
    run:
      &c class: CommandLineTool
      baseCommand: cat
      inputs:
        events: File
      outputs: {plot: {type: File, outputBinding: {glob: plot.png}}}
    in: {events: rucio-stage-in/events}
    out: [plot]
