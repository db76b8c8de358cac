"""A chapter of two exercises for the engine's own tests: small, and with everything that a chapter can have."""

from botocore.exceptions import ClientError

from labsupport.course.declare import (
    Chapter,
    Exercise,
    Finding,
    Option,
    Outcome,
    Proof,
    Question,
    Solution,
    World,
    Wrong,
    bash,
    expect,
    holds,
    not_right,
    not_yet,
    python,
)

GOALS = ("DVA-C02 1.1", "DOP-C02 1.1")
SHOW = "aws ssm get-parameter --name /tiny/colour"


def begin(world: World) -> str:
    ssm = world.client("ssm")
    ssm.put_parameter(Name="/tiny/given", Value="here", Type="String", Overwrite=True)
    return "The parameter /tiny/given is there."


def forget(world: World) -> None:
    ssm = world.client("ssm")
    for page in ssm.get_paginator("get_parameters_by_path").paginate(Path="/tiny"):
        for one in page["Parameters"]:
            ssm.delete_parameter(Name=one["Name"])


@expect("the parameter `/tiny/given` exists", given=True)
def given(world: World) -> Finding:
    found = world.client("ssm").get_parameter(Name="/tiny/given")["Parameter"]
    return holds(f"version {found['Version']}")


@expect("the parameter `/tiny/colour` exists")
def there(world: World) -> Finding:
    try:
        found = world.client("ssm").get_parameter(Name="/tiny/colour")["Parameter"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return not_yet("There is no parameter of that name.", SHOW)
    return holds(found["ARN"])


@expect("its value is `blue`")
def blue(world: World) -> Finding:
    try:
        found = world.client("ssm").get_parameter(Name="/tiny/colour")["Parameter"]["Value"]
    except ClientError:
        return not_yet("There is no value yet.", SHOW)
    if found != "blue":
        return not_right(f"The value is {found}.", SHOW)
    return holds("blue")


FIRST = Exercise(
    id="tiny.1",
    title="A colour",
    task="Keep the value `blue` in Parameter Store, as `/tiny/colour`.",
    objectives=GOALS,
    hints=("Which service keeps settings?", "A parameter has a name, a type and a value.", "aws ssm put-parameter …"),
    check=(given, there, blue),
    solutions=(
        Solution(
            "the AWS CLI",
            bash("aws ssm put-parameter --name /tiny/colour --type String --value blue --overwrite"),
            "`--overwrite` makes it work a second time.",
        ),
        Solution(
            "boto3",
            python(
                "from labsupport import lab\n"
                'lab.client("ssm").put_parameter(Name="/tiny/colour", Type="String", Value="blue", Overwrite=True)'
            ),
            "The same call.",
        ),
    ),
    wrong=(
        Wrong(
            "another-colour",
            bash("aws ssm put-parameter --name /tiny/colour --type String --value red --overwrite"),
            Outcome.NOT_RIGHT,
            "The value is red.",
            bash("aws ssm delete-parameter --name /tiny/colour"),
        ),
        Wrong(
            "another-name",
            bash("aws ssm put-parameter --name /tiny/color --type String --value blue --overwrite"),
            Outcome.NOT_YET,
            "There is no parameter of that name.",
            bash("aws ssm delete-parameter --name /tiny/color"),
        ),
    ),
    breaks=(bash("aws ssm delete-parameter --name /tiny/colour"),),
    shows=("code",),
)


@expect("a clone `notes` has a file `colour.txt` in its newest commit")
def committed(world: World) -> Finding:
    if not (world.clone("notes") / ".git").exists():
        return not_yet("There is no clone of that name.", "ls $LAB_HOME/clones")
    files = world.git("notes", "ls-tree", "--name-only", "HEAD").splitlines()
    if "colour.txt" not in files:
        return not_right(f"The newest commit has {', '.join(files) or 'no files'}.", "git log --stat -1")
    return holds(world.git("notes", "log", "-1", "--format=%s"))


COMMIT = "git -c user.name=learner -c user.email=learner@example.com commit --quiet -m "
SECOND = Exercise(
    id="tiny.2",
    title="A note",
    task="Commit a file `colour.txt` in a repository in `clones/notes`.",
    objectives=GOALS,
    hints=("git init", "git add", "git commit"),
    check=(committed,),
    solutions=(
        Solution(
            "git",
            bash(
                "mkdir -p notes && cd notes && git init --quiet && date +%N > colour.txt && git add colour.txt && "
                f"{COMMIT} colour"
            ),
            "What is added is committed.",
        ),
    ),
    wrong=(
        Wrong(
            "no-commit",
            bash("mkdir -p notes && cd notes && git init --quiet && touch colour.txt && git add colour.txt"),
            Outcome.NOT_YET,
            "HEAD",
        ),
        Wrong(
            "another-file",
            bash(
                "mkdir -p notes && cd notes && git init --quiet && "
                "git rm --quiet --force --ignore-unmatch colour.txt && "
                f"date +%N > color.txt && git add color.txt && {COMMIT} color"
            ),
            Outcome.NOT_RIGHT,
            "color.txt",
        ),
    ),
    breaks=(bash(f"cd notes && git rm --quiet --force colour.txt && touch left && git add left && {COMMIT} gone"),),
)

QUESTIONS = (
    Question(
        id="tiny-q1",
        text="Which name may a parameter have?",
        options=(
            Option(
                "`/tiny/a`",
                True,
                "A path is allowed.",
                Proof(bash("aws ssm put-parameter --name /tiny/a --type String --value 1 --overwrite")),
            ),
            Option(
                "`aws/a`",
                False,
                "Names may not begin with `aws`.",
                Proof(bash("aws ssm put-parameter --name aws/a --type String --value 1 --overwrite"), "reserved"),
            ),
        ),
        objectives=GOALS,
    ),
    Question(
        id="tiny-q2",
        text="Which two are types of a parameter?",
        options=(
            Option("String", True, "Plain text."),
            Option("StringList", True, "Several, with commas."),
            Option("Number", False, "There is none."),
        ),
        objectives=GOALS,
        setting=bash("true"),
    ),
)

CHAPTER = Chapter(
    id="tiny",
    title="Small things",
    notebook="99-tiny.ipynb",
    begin=begin,
    forget=forget,
    clones=("notes",),
    exercises=(FIRST, SECOND),
    questions=QUESTIONS,
)
