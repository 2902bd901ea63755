cwlVersion: v1.0
class: Workflow
inputs:
  events:
    type: File
    default: {class: File, location: ../data/a.root}
  optional:
    type: File?
    default:
      class: File
      path: ../data/b.root
outputs: []
steps:
  of-the-workflow:
    run: wc.cwl
    in: {file: events, other: optional}
    out: []
  of-the-step:
    run: wc.cwl
    in:
      file:
        default:
          class: File
          location: ../data/c.root
      other:
        source: optional
    out: []
  of-the-tool:
    run: wc.cwl
    in: {file: events}
    out: []
