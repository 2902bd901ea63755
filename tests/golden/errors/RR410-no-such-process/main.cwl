cwlVersion: v1.2
$graph:
- {id: main, class: Workflow, inputs: [], outputs: [], steps: []}
- {id: tool, class: CommandLineTool, baseCommand: ls, inputs: [], outputs: []}
