cwlVersion: v1.0
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}}
inputs: {events: File, options: string}
outputs: []
steps:
  takes:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {events: {type: File, inputBinding: {}}}, outputs: []}
    in: {events: events}
    out: []
  is-told:
    run: {class: CommandLineTool, baseCommand: echo, inputs: {options: {type: string, inputBinding: {}}}, outputs: []}
    in: {options: options}
    out: []
  names:
    run:
      class: Workflow
      inputs: []
      outputs: []
      steps:
        inner:
          run: {class: CommandLineTool, baseCommand: [ls, ../../../data/calib.db], inputs: [], outputs: []}
          in: []
          out: []
    in: []
    out: []
  is-free:
    run: {class: CommandLineTool, baseCommand: date, inputs: [], outputs: []}
    in: []
    out: []
