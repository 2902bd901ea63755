cwlVersion: v1.0
class: Workflow
inputs: []
outputs:
  plot: {type: File, outputSource: draw/plot}
steps:
  draw:
    run:
      class: CommandLineTool
      baseCommand: draw
      inputs: []
      outputs: {plot: {type: File, outputBinding: {glob: plot.png}}}
    in: []
    out: [plot]
