rule fit:
    input: "code/fit.py", "./a.root"
    output: "out.txt"
    shell: "python {input} > {output}"
