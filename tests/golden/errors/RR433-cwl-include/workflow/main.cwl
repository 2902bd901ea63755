cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: []
steps:
  fit:
    run:
      class: CommandLineTool
      baseCommand: [python3, fit.py]
      requirements:
        InitialWorkDirRequirement:
          listing:
            - entryname: fit.py
              entry: {$include: ../code/fit.py}
      inputs: {data: {type: File, inputBinding: {}}}
      outputs: []
    in: {data: data}
    out: []
