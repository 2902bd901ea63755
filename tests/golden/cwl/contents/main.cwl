cwlVersion: v1.1
class: Workflow
requirements: {StepInputExpressionRequirement: {}}
inputs:
  tag: {type: File, loadContents: true}
  lists: {type: "File[]", loadContents: true}
outputs:
  shown: {type: File, outputSource: show/shown}
steps:
  show:
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs:
        tag: {type: string, inputBinding: {position: 1}}
        list: {type: string, inputBinding: {position: 2}}
      stdout: shown.txt
      outputs: {shown: stdout}
    in:
      tag: {source: tag, valueFrom: $(self.contents)}
      list: {source: lists, valueFrom: "$(self[0].contents)"}
    out: [shown]
