"""The quiz of the chapter: twelve questions, from what AWS documents, proved where this lab can run them."""

from labsupport.course.chapters.start.proofs import matches, template
from labsupport.course.chapters.start.questions_access import DENY, WHO, WHOSE, WRITES
from labsupport.course.declare import Option, Proof, Question, python

CREDENTIALS = """\
import subprocess, sys

from labsupport import lab

codecommit = lab.client("codecommit")
url = codecommit.create_repository(repositoryName="quiz-git")["repositoryMetadata"]["cloneUrlHttp"]
helper = "!aws codecommit credential-helper --ignore-host-check $@"
settings = ["-c", "credential.helper=", "-c", f"credential.helper={{helper}}", "-c", "credential.UseHttpPath={path}"]
try:
    done = subprocess.run(["git", *settings, "ls-remote", url], capture_output=True, text=True)
finally:
    codecommit.delete_repository(repositoryName="quiz-git")
if done.returncode:
    sys.exit(f"git was refused: {{done.stderr}}")
"""

BUILD = """\
import time

from labsupport import lab

codebuild, account = lab.client("codebuild"), lab.client("sts").get_caller_identity()["Account"]
spec = '''
version: 0.2
phases:
  build:
    commands: ["false"]
  post_build:
    commands: ["echo cleaning up"]
'''
codebuild.create_project(
    name="quiz-phases", source={"type": "NO_SOURCE", "buildspec": spec}, artifacts={"type": "NO_ARTIFACTS"},
    environment={"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL",
                 "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0"},
    logsConfig={"cloudWatchLogs": {"status": "DISABLED"}}, serviceRole=f"arn:aws:iam::{account}:role/stock-build")
try:
    number = codebuild.start_build(projectName="quiz-phases")["build"]["id"]
    while not (build := codebuild.batch_get_builds(ids=[number])["builds"][0])["buildComplete"]:
        time.sleep(0.1)
finally:
    codebuild.delete_project(name="quiz-phases")
ended = {one["phaseType"]: one.get("phaseStatus") for one in build["phases"]}
print(build["buildStatus"], ended)
assert (build["buildStatus"], ended["BUILD"], ended["POST_BUILD"]) == ("FAILED", "FAILED", "SUCCEEDED")
"""

SILENT = """\
import time

from labsupport import home, lab, mailbox

sns, address = lab.client("sns"), "quiz@example.com"
topic = sns.create_topic(Name="quiz-silence")["TopicArn"]
try:
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    sns.publish(TopicArn=topic, Subject="Hello", Message="Does anybody hear me?")
    time.sleep(0.5)
    subjects = {one["subject"] for one in mailbox.messages(home.folder(), to=address)}
finally:
    sns.delete_topic(TopicArn=topic)
print(subjects)
assert "AWS Notification - Subscription Confirmation" in subjects and "Hello" not in subjects
"""

GIT = Question(
    id="start.q2",
    text="A developer wants to push to CodeCommit over HTTPS without a stored password, with the AWS CLI's credential "
    "helper. Which **two** settings does git need?",
    options=(
        Option(
            "`credential.helper` set to `!aws codecommit credential-helper $@`",
            True,
            "git asks the helper for a password; the helper makes one that is valid for minutes, by signing with "
            "the key.",
        ),
        Option(
            "`credential.UseHttpPath` set to `true`",
            True,
            "The signature covers the repository's path, so git has to tell it to the helper.",
            Proof(python(CREDENTIALS.format(path="true"))),
        ),
        Option(
            "`http.sslVerify` set to `false`",
            False,
            "This turns off the check of the server's certificate. It signs nothing, and is nothing to get used to.",
        ),
        Option(
            "`credential.UseHttpPath` set to `false`, which is git's default",
            False,
            "Without the path the helper signs something else than is asked for, and the signature does not match.",
            Proof(python(CREDENTIALS.format(path="false")), "git was refused"),
        ),
        Option(
            "`user.email` set to the address of the IAM user",
            False,
            "That is who the commit says has written it. CodeCommit asks who *pushes*, which the signature tells.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DVA-C02 3.1"),
)

STARTS = Question(
    id="start.q3",
    text="A pipeline has to start as soon as somebody pushes to `main` in CodeCommit, and at no other time. Which "
    "event "
    "pattern is right for the EventBridge rule?",
    options=(
        Option(
            '`{"source": ["aws.codecommit"], "detail": {"event": ["referenceCreated", "referenceUpdated"], '
            '"referenceName": ["main"]}}`',
            True,
            "A push creates or updates a reference. All keys of a pattern have to match, and each by one of its "
            "values.",
            matches(
                '{"source": ["aws.codecommit"], "detail": {"event": ["referenceCreated", "referenceUpdated"], '
                '"referenceName": ["main"]}}'
            ),
        ),
        Option(
            '`{"source": ["aws.codecommit"], "detail": {"event": ["push"], "referenceName": ["main"]}}`',
            False,
            "There is no event of that name: CodeCommit tells of references created, updated and deleted.",
            matches(
                '{"source": ["aws.codecommit"], "detail": {"event": ["push"], "referenceName": ["main"]}}',
                "does not match",
            ),
        ),
        Option(
            '`{"source": ["aws.codepipeline"], "detail-type": ["CodePipeline Pipeline Execution State Change"]}`',
            False,
            "Those are the events of a pipeline that runs already.",
            matches('{"source": ["aws.codepipeline"]}', "does not match"),
        ),
        Option(
            '`{"source": ["aws.codecommit"], "detail": {"referenceName": ["refs/heads/main"]}}`',
            False,
            "The event names the branch without `refs/heads/`, so this matches nothing.",
            matches(
                '{"source": ["aws.codecommit"], "detail": {"referenceName": ["refs/heads/main"]}}', "does not match"
            ),
        ),
    ),
    objectives=("DVA-C02 3.4", "DOP-C02 1.1", "DOP-C02 5.1"),
)

FILE = Question(
    id="start.q4",
    text="A build project names no buildspec. Which file of the source does CodeBuild look for?",
    options=(
        Option(
            "`buildspec.yml` at the root",
            True,
            "That is the default. The project, or the start of a build, may name another.",
        ),
        Option(
            "`buildspec.yaml` at the root",
            False,
            "The ending has to be `.yml`; with another one the build fails at once.",
        ),
        Option("`.codebuild/buildspec.yml`", False, "A file elsewhere has to be named by the project."),
        Option(
            "`appspec.yml` at the root",
            False,
            "That is CodeDeploy's file: where things are installed, and which scripts run.",
        ),
    ),
    objectives=("DVA-C02 3.1", "DOP-C02 1.3"),
)

PHASES = Question(
    id="start.q5",
    text="A unit test, run by a command in the phase `build`, fails with exit status 1. What happens then?",
    options=(
        Option(
            "The phase `post_build` still runs, and the build ends as FAILED",
            True,
            "`post_build` comes after `build` however that ended, so it can clean up. It does not mend the outcome.",
            Proof(python(BUILD)),
        ),
        Option(
            "The remaining commands of `build` run, and the build ends as SUCCEEDED",
            False,
            "The first command that fails ends its phase, and the phase's failure is the build's.",
        ),
        Option(
            "The build stops at once, and `post_build` is skipped",
            False,
            "That is so after a failure in `install` or `pre_build`, not in `build`.",
        ),
        Option(
            "CodeBuild runs the failed command three times before it gives up",
            False,
            "Nothing is repeated by itself: a test that fails only sometimes is the team's to mend.",
        ),
    ),
    objectives=("DVA-C02 3.3", "DOP-C02 1.2"),
)

UNANSWERED = Question(
    id="start.q6",
    text="A manual approval action, with its default settings, is neither approved nor rejected by anybody. What "
    "becomes of it?",
    options=(
        Option(
            "It fails after seven days",
            True,
            "Without an answer in seven days the action counts as failed, and the stage with it.",
        ),
        Option(
            "It is approved after seven days",
            False,
            "Silence is no consent: nothing goes out that nobody has approved.",
        ),
        Option("It waits for as long as the pipeline exists", False, "There is a limit, of seven days by default."),
        Option(
            "It fails as soon as another change reaches the stage",
            False,
            "A newer execution waits in front of the stage while an older one is in it.",
        ),
    ),
    objectives=("DVA-C02 3.4", "DOP-C02 1.1"),
)

SILENCE = Question(
    id="start.q7",
    text="A team has subscribed its address to an SNS topic by email. Messages are published, and none arrives. "
    "What is "
    "the likeliest reason?",
    options=(
        Option(
            "Nobody has followed the link in the confirmation mail",
            True,
            "Until its owner has confirmed it, a subscription gets nothing but the request to confirm.",
            Proof(python(SILENT)),
        ),
        Option(
            "SNS keeps messages until somebody fetches them",
            False,
            "That is SQS. SNS pushes to its subscribers at once.",
        ),
        Option(
            "Only SQS queues and Lambda functions can be subscribed", False, "Email, SMS and HTTP(S) are protocols too."
        ),
        Option(
            "The topic needs a dead-letter queue before it can send mail",
            False,
            "A dead-letter queue takes what could not be delivered; nothing needs one in order to deliver.",
        ),
    ),
    objectives=("DVA-C02 1.1", "DOP-C02 4.3", "DOP-C02 5.1"),
)

TOPIC = "Resources:\n  Orders:\n    Type: AWS::SNS::Topic\n"

REFERS = Question(
    id="start.q8",
    text="A template has one resource, `Orders`, of the type `AWS::SNS::Topic`. Which addition does "
    "CloudFormation take?",
    options=(
        Option(
            "An output with the value `!Ref Orders`",
            True,
            "`Ref` of a topic is its ARN; a resource is referred to by its logical id.",
            template(f"{TOPIC}Outputs:\n  Topic:\n    Value: !Ref Orders\n"),
        ),
        Option(
            "An output with the value `!Ref orders`",
            False,
            "Logical ids tell capitals from small letters. What refers to nothing is refused before anything is made.",
            template(f"{TOPIC}Outputs:\n  Topic:\n    Value: !Ref orders\n", "Unresolved resource dependencies"),
        ),
        Option(
            "An output with the value `!Ref AWS::TopicArn`",
            False,
            "Names with `AWS::` are pseudo parameters, such as `AWS::Region`; there is none of this name.",
            template(f"{TOPIC}Outputs:\n  Topic:\n    Value: !Ref AWS::TopicArn\n", "Unresolved resource dependencies"),
        ),
        Option(
            "An output with the value `!Ref Orders`, with `Resources` left out and `Orders` at the top level",
            False,
            "A template has to have a section `Resources`, and its sections are fixed.",
            template("Orders:\n  Type: AWS::SNS::Topic\n", "Invalid template property"),
        ),
    ),
    objectives=("DVA-C02 3.1", "DOP-C02 2.1"),
)

HOOKS = Question(
    id="start.q9",
    text="CodeDeploy deploys in place to EC2 instances, without a load balancer. To which **two** of these "
    "lifecycle events can "
    "`appspec.yml` attach a script?",
    options=(
        Option(
            "`BeforeInstall`",
            True,
            "It runs when the bundle has been unpacked and before files are copied to their places.",
        ),
        Option("`ValidateService`", True, "The last of the events: a script that fails here fails the deployment."),
        Option("`DownloadBundle`", False, "The agent fetches the revision in it; it takes no script."),
        Option("`Install`", False, "The agent copies the files in it; it takes no script."),
        Option(
            "`AllowTraffic`", False, "It belongs to deployments with a load balancer, and takes no script there either."
        ),
    ),
    objectives=("DVA-C02 3.4", "DOP-C02 1.4"),
)

QUESTIONS = (WHO, GIT, STARTS, FILE, PHASES, UNANSWERED, SILENCE, REFERS, HOOKS, WRITES, WHOSE, DENY)
