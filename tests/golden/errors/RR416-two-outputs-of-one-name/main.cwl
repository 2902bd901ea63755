cwlVersion: v1.0
class: Workflow
inputs: []
outputs:
  one: {type: File, outputSource: make/one}
  two: {type: File, outputSource: make/two}
steps:
  make:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs: []
      outputs:
        one: {type: File, outputBinding: {glob: a/plot.png}}
        two: {type: File, outputBinding: {glob: "*.png"}}
    in: []
    out: [one, two]
