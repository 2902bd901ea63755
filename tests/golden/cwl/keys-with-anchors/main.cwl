&version cwlVersion: v1.0
class: Workflow
inputs:
  &events events: File
  title: string
outputs:
  &all plot: {type: File, outputSource: draw/plot}
steps:
  &step draw:
    run:
      &c class: CommandLineTool
      baseCommand: cat
      inputs:
        events: File
      outputs: {plot: {type: File, outputBinding: {glob: plot.png}}}
    in: {events: events}
    out: [plot]
