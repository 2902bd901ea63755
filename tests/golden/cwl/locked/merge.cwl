cwlVersion: v1.1
class: CommandLineTool
baseCommand: cat
inputs:
  files: {type: "File[]", inputBinding: {}}
  run: Directory
  pair:
    type:
      type: record
      fields: {signal: File, weight: float, tags: "string[]"}
stdout: merged.txt
outputs:
  merged: stdout
