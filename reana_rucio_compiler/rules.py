"""Every rule, in reading order. RR0 reading, RR1 the expression, RR2 its meaning, RR3 REANA's own rules, RR4 engines,
RR5 what Rucio says, now or when it was locked.

A rule is named after the bad pattern; a code is never reused. Each has a golden case in ``tests/golden/errors/``.
"""

from __future__ import annotations

from .diagnostics import Rule, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

UNREADABLE_FILE = Rule("RR001", "unreadable-file", _E, "a file that cannot be read")
NOT_UTF8 = Rule("RR002", "not-utf8", _E, "a file that is not UTF-8")
NOT_YAML = Rule("RR003", "not-yaml", _E, "a file that is not YAML")
TOO_LARGE = Rule("RR004", "too-large", _E, "a file too large or nested too deeply")
DUPLICATE_KEY = Rule("RR005", "duplicate-key", _E, "a key that stands twice in one mapping")
BAD_ALIAS = Rule("RR006", "bad-alias", _E, "a YAML alias where the text must be written out")
NOT_A_SPECIFICATION = Rule("RR007", "not-a-specification", _E, "a file that holds no REANA specification")
YAML_TAG = Rule("RR008", "yaml-tag", _E, "a YAML tag that REANA does not know")
MISSING_FILE = Rule("RR009", "missing-file", _E, "a workflow file that does not exist")
OTHER_BASE = Rule("RR010", "other-base", _W, "a path that only one version of REANA finds", ignorable=True)
BAD_IGNORE = Rule("RR011", "bad-ignore", _W, "a comment that is to ignore a rule, and does not")
SHARED_FILE = Rule("RR012", "shared-file", _E, "a file that two specifications compile to")

SYNTAX = Rule("RR101", "bad-syntax", _E, "an expression that is not of the form rucio(instance, scope, name)")
YAML_TRAP = Rule("RR102", "yaml-trap", _E, "an expression that YAML cuts up or reads as something else")
MISPLACED = Rule("RR103", "misplaced-expression", _E, "a rucio(...) where none may stand", ignorable=True)
WRONG_DIRECTION = Rule("RR104", "wrong-direction", _E, "an arrow that points the wrong way")
UNKNOWN_OPTION = Rule("RR105", "unknown-option", _E, "an option that does not exist here")
BAD_OPTION = Rule("RR106", "bad-option", _E, "an option whose value cannot be used")
PLACEHOLDER = Rule("RR107", "placeholder", _E, "a ${parameter} inside an expression")

BAD_DID = Rule("RR201", "bad-did", _E, "a scope or name that Rucio cannot have")
BAD_PATH = Rule("RR202", "bad-path", _E, "a path that is not inside the workspace")
NO_PATH = Rule("RR203", "no-path", _E, "a wildcard or directory without a path")
SAME_PATH = Rule("RR204", "same-path", _E, "two things at one path, or one inside the other")
UNKNOWN_INSTANCE = Rule("RR205", "unknown-instance", _E, "an instance that is not known")
BAD_INSTANCE = Rule("RR206", "bad-instance", _E, "an instance that is not described rightly")
NO_RSE = Rule("RR207", "no-rse", _E, "an output with no RSE to go to")
SAME_DID = Rule("RR208", "same-did", _E, "two outputs with one DID")
AMBIGUOUS_PATH = Rule("RR209", "ambiguous-path", _E, "a parameter whose DID is staged to several paths")
FIXED_OUTPUT_NAME = Rule(
    "RR210", "fixed-output-name", _N, "an output name that a second run cannot use", ignorable=True
)
WILDCARD = Rule("RR211", "wildcard", _E, "a wildcard where one file or one name is meant")
UNUSED_INSTANCES = Rule("RR212", "unused-instances", _W, "a rucio: block that nothing uses", ignorable=True)
OUTPUT_NOT_PRODUCED = Rule("RR213", "output-not-produced", _W, "an output that nothing seems to make", ignorable=True)
INPUT_NOT_READ = Rule("RR214", "input-not-read", _W, "staged data that nothing seems to read", ignorable=True)

REANA_REFUSES = Rule("RR301", "reana-refuses", _E, "something that REANA refuses")
REANA_IGNORES = Rule("RR302", "reana-ignores", _W, "a property that REANA ignores", ignorable=True)
REANA_VERSION = Rule("RR303", "reana-version", _W, "something that only some versions of REANA take", ignorable=True)
TOO_LARGE_FOR_REANA = Rule("RR304", "too-large-for-reana", _W, "more than REANA can start or take", ignorable=True)
MISSING_INPUT = Rule("RR305", "missing-input", _W, "an input that does not stand beside the others", ignorable=True)

CUT_OFF = Rule("RR402", "cut-off", _W, "FROM or TARGET, which may cut off a staging step", ignorable=True)
OTHER_BACKEND = Rule("RR403", "other-backend", _W, "staged data consumed on another compute backend", ignorable=True)
INSIDE_STAGED = Rule("RR404", "inside-staged", _E, "a use of what is around, or inside of, a staged path")
TEMPLATE_DOLLAR = Rule("RR405", "template-dollar", _W, "a dollar sign that REANA takes for a parameter", ignorable=True)
HAND_WRITTEN_TRANSFER = Rule(
    "RR406", "hand-written-transfer", _W, "a transfer that a command makes by hand", ignorable=True
)
UNADDRESSABLE_STEP = Rule("RR407", "unaddressable-step", _W, "a step that FROM or TARGET cannot name", ignorable=True)

CWL_REFERENCE = Rule("RR410", "cwl-reference", _E, "a CWL file without the process that is meant")
CWL_VERSION = Rule("RR411", "cwl-version", _E, "a version of CWL that cannot be compiled")
CWL_CLASS = Rule("RR412", "cwl-class", _E, "a File that is staged as a directory, or a Directory as a file")
CWL_DEFAULT = Rule("RR413", "cwl-default", _E, "a staged file where no step of the workflow can hand it over")
CWL_SECONDARY = Rule("RR414", "cwl-secondary", _E, "a staged file without a secondary file that must stand beside it")
CWL_NO_FILE = Rule("RR415", "cwl-no-file", _W, "a staged path that no input of the workflow takes", ignorable=True)
CWL_NO_OUTPUT = Rule("RR416", "cwl-no-output", _E, "an output path that no one output of the workflow is known to be")
CWL_OTHER_NAME = Rule("RR417", "cwl-other-name", _W, "an output path unlike the output's own name", ignorable=True)
CWL_FORM = Rule("RR418", "cwl-form", _E, "a CWL workflow that lacks a part, or has it in a form that CWL does not know")
CWL_UNKNOWN_NAME = Rule("RR419", "cwl-unknown-name", _E, "a CWL name that nothing bears, or an input without a value")

YADAGE_TOPLEVEL = Rule("RR431", "yadage-toplevel", _E, "a toplevel that is not the workspace")
NOT_A_WORKFLOW = Rule("RR432", "not-a-workflow", _E, "a Yadage workflow that cannot be read")
STAGED_TOO_LATE = Rule("RR433", "staged-too-late", _E, "a staged file that is read when the workflow is loaded")
BAD_SELECTION = Rule("RR434", "bad-selection", _E, "a selection of results that cannot follow a staged input")
BAD_DEPENDENCIES = Rule("RR435", "bad-dependencies", _E, "dependencies that a staging stage cannot be added to")
LITERAL_PATH = Rule("RR436", "literal-path", _E, "a literal path to a sub-workflow, beside a staged one")
UNORDERED = Rule("RR437", "unordered-stages", _W, "a stage that does not wait for what it reads", ignorable=True)
NO_INIT = Rule("RR438", "no-init", _W, "stages that wait for parameters where there are none", ignorable=True)
UNKNOWN_PRODUCER = Rule("RR439", "unknown-producer", _W, "an output that no stage is known to write", ignorable=True)
NOTHING_PUBLISHED = Rule("RR440", "nothing-published", _E, "an output of a stage that publishes nothing")
BELOW_DATASET = Rule("RR441", "below-dataset", _W, "a parameter that names a directory in a dataset", ignorable=True)
MAYBE_NO_UPLOAD = Rule("RR442", "maybe-no-upload", _W, "an upload after a stage that may run nothing", ignorable=True)
UNKNOWN_NAME = Rule("RR443", "unknown-name", _W, "a stage, parameter or result that is not there", ignorable=True)
YADAGE_FORM = Rule("RR444", "yadage-form", _E, "a stage of a form that Yadage does not know")

NO_SNAKEFILE = Rule("RR451", "no-snakefile", _E, "a Snakemake workflow without a Snakefile")
BAD_WILDCARD = Rule("RR452", "bad-wildcard", _E, "wildcards of Snakemake that do not fit together")
READ_TOO_EARLY = Rule(
    "RR453", "read-too-early", _E, "a Snakefile that looks at staged data while it is read", ignorable=True
)
MAYBE_READ_TOO_EARLY = Rule(
    "RR454", "maybe-read-too-early", _W, "a Snakefile that may look at staged data while it is read", ignorable=True
)
OTHER_PRODUCER = Rule("RR455", "other-producer", _E, "a rule that makes what is staged", ignorable=True)
PART_OF_STAGED = Rule(
    "RR456", "part-of-staged", _E, "a rule that takes a part of what is staged, or more", ignorable=True
)
NOT_NEEDED = Rule("RR457", "not-needed", _W, "a staged path that nothing is seen to need", ignorable=True)
NOT_AN_INPUT = Rule(
    "RR458", "not-an-input", _W, "a command that names what wildcards stage, without taking it", ignorable=True
)
WORKDIR = Rule("RR459", "workdir", _E, "a working directory that is not the workspace", ignorable=True)
SHARED_WILDCARDS = Rule(
    "RR460", "shared-wildcards", _W, "a rule whose wildcards match what is staged by wildcards", ignorable=True
)
SNAKEFILE_FORM = Rule("RR461", "snakefile-form", _E, "a Snakefile that Snakemake cannot read", ignorable=True)

BAD_LOCK = Rule("RR501", "bad-lock", _E, "a lock that cannot be used")
NOT_LOCKED = Rule("RR502", "not-locked", _W, "a DID that is not in the lock", ignorable=True)
LOCK_REQUIRED = Rule("RR503", "lock-required", _E, "a DID that is not in the lock, where --locked asks for it")
FILES_NOT_LOCKED = Rule("RR504", "files-not-locked", _E, "contents=locked where no lock lists the files")
STALE_LOCK = Rule("RR505", "stale-lock", _E, "a DID that is not what was locked")
MISSING_DID = Rule("RR511", "missing-did", _E, "a DID that Rucio does not have")
WRONG_KIND = Rule("RR512", "wrong-kind", _E, "a dataset staged as a file, or a file as a dataset")
BAD_CONTENT = Rule("RR513", "bad-content", _E, "a dataset that is empty, or cannot be one directory")

NO_REPLICA = Rule("RR514", "no-replica", _E, "data of which no copy can be read")
TAPE_ONLY = Rule("RR515", "tape-only", _E, "data that are on tape only")
NO_CHECKSUM = Rule("RR516", "no-checksum", _W, "data whose checksum Rucio does not know", ignorable=True)
OPEN_DATASET = Rule("RR517", "open-dataset", _N, "an open dataset that is not locked", ignorable=True)
UNKNOWN_RSE = Rule("RR518", "unknown-rse", _E, "an RSE expression that matches nothing")
UNWRITABLE_RSE = Rule("RR519", "unwritable-rse", _E, "an output to where nothing can be written")
NO_QUOTA = Rule("RR520", "no-quota", _E, "an output to where your account has no quota")
FOREIGN_SCOPE = Rule("RR521", "foreign-scope", _E, "an output in a scope that your account may not write to")
TAKEN_NAME = Rule("RR522", "taken-name", _W, "an output whose name is taken", ignorable=True)
IMPOSSIBLE_OUTPUT = Rule("RR523", "impossible-output", _E, "an output under a DID that cannot hold it")

RULES: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
