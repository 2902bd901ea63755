cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs:
  made: {type: File, outputSource: [{step: show, output: made}]}
steps:
  show:
    in: {data: {source: {id: data}}}
    out: []
