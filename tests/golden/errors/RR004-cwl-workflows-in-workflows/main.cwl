cwlVersion: v1.0
$graph:
- id: main
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w1', in: {events: events}, out: [o]}}
- id: w1
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w2', in: {events: events}, out: [o]}}
- id: w2
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w3', in: {events: events}, out: [o]}}
- id: w3
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w4', in: {events: events}, out: [o]}}
- id: w4
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w5', in: {events: events}, out: [o]}}
- id: w5
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w6', in: {events: events}, out: [o]}}
- id: w6
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w7', in: {events: events}, out: [o]}}
- id: w7
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w8', in: {events: events}, out: [o]}}
- id: w8
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w9', in: {events: events}, out: [o]}}
- id: w9
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w10', in: {events: events}, out: [o]}}
- id: w10
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w11', in: {events: events}, out: [o]}}
- id: w11
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w12', in: {events: events}, out: [o]}}
- id: w12
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w13', in: {events: events}, out: [o]}}
- id: w13
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w14', in: {events: events}, out: [o]}}
- id: w14
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w15', in: {events: events}, out: [o]}}
- id: w15
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w16', in: {events: events}, out: [o]}}
- id: w16
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w17', in: {events: events}, out: [o]}}
- id: w17
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w18', in: {events: events}, out: [o]}}
- id: w18
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w19', in: {events: events}, out: [o]}}
- id: w19
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w20', in: {events: events}, out: [o]}}
- id: w20
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w21', in: {events: events}, out: [o]}}
- id: w21
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w22', in: {events: events}, out: [o]}}
- id: w22
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w23', in: {events: events}, out: [o]}}
- id: w23
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w24', in: {events: events}, out: [o]}}
- id: w24
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w25', in: {events: events}, out: [o]}}
- id: w25
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w26', in: {events: events}, out: [o]}}
- id: w26
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w27', in: {events: events}, out: [o]}}
- id: w27
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w28', in: {events: events}, out: [o]}}
- id: w28
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w29', in: {events: events}, out: [o]}}
- id: w29
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w30', in: {events: events}, out: [o]}}
- id: w30
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w31', in: {events: events}, out: [o]}}
- id: w31
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w32', in: {events: events}, out: [o]}}
- id: w32
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w33', in: {events: events}, out: [o]}}
- id: w33
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w34', in: {events: events}, out: [o]}}
- id: w34
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w35', in: {events: events}, out: [o]}}
- id: w35
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w36', in: {events: events}, out: [o]}}
- id: w36
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w37', in: {events: events}, out: [o]}}
- id: w37
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w38', in: {events: events}, out: [o]}}
- id: w38
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w39', in: {events: events}, out: [o]}}
- id: w39
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w40', in: {events: events}, out: [o]}}
- id: w40
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w41', in: {events: events}, out: [o]}}
- id: w41
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w42', in: {events: events}, out: [o]}}
- id: w42
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w43', in: {events: events}, out: [o]}}
- id: w43
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w44', in: {events: events}, out: [o]}}
- id: w44
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w45', in: {events: events}, out: [o]}}
- id: w45
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w46', in: {events: events}, out: [o]}}
- id: w46
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w47', in: {events: events}, out: [o]}}
- id: w47
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w48', in: {events: events}, out: [o]}}
- id: w48
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w49', in: {events: events}, out: [o]}}
- id: w49
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w50', in: {events: events}, out: [o]}}
- id: w50
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w51', in: {events: events}, out: [o]}}
- id: w51
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: '#w52', in: {events: events}, out: [o]}}
- id: w52
  class: Workflow
  inputs: {events: File}
  outputs: {o: {type: File, outputSource: s0/o}}
  steps: {s0: {run: {class: CommandLineTool, baseCommand: ls, inputs: {events: File}, outputs: {o: {type: File, outputBinding: {glob: o}}}}, in: {events: events}, out: [o]}}
