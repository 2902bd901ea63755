cwlVersion: v1.0
class: CommandLineTool
requirements:
  InitialWorkDirRequirement:
    listing:
      - class: File
        location: data/a.root
baseCommand: ls
inputs: {data: File}
outputs: []
