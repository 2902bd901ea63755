cwlVersion: v1.2
class: CommandLineTool
baseCommand: ls
inputs: {one: File, all: Directory, listed: "File[]", some: "File[]?"}
outputs: []
