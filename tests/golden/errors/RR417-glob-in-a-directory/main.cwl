cwlVersion: v1.0
class: Workflow
inputs: []
outputs:
  one: {type: File, outputSource: make/one}
steps:
  make:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs: []
      outputs:
        one: {type: File, outputBinding: {glob: plots/mass.png}}
    in: []
    out: [one]
