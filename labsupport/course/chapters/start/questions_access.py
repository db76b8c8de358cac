"""Questions on who may do what: the quiz's part on permissions."""

from labsupport.course.chapters.start.proofs import as_user, may_put
from labsupport.course.declare import Option, Question

STATEMENT = '{{"Effect": "{effect}", "Action": "{action}", "Resource": {resource}}}'


def statement(resource: str, action: str = "s3:PutObject", effect: str = "Allow") -> str:
    return STATEMENT.format(effect=effect, action=action, resource=f'f"{resource}"')


OBJECTS, BUCKET = "arn:aws:s3:::shop-artifacts-{account}/*", "arn:aws:s3:::shop-artifacts-{account}"

NO_PUT = "is not authorized to perform: s3:PutObject"

WHO = Question(
    id="start.q1",
    text="An IAM user has no policies at all. Which call with that user's access key still succeeds?",
    options=(
        Option(
            "`aws sts get-caller-identity`",
            True,
            "No permission is needed for it: it only tells the caller who they are.",
            as_user("quiz-nobody", 'print(someone.client("sts").get_caller_identity()["Arn"])'),
        ),
        Option(
            "`aws codecommit list-repositories`",
            False,
            "Listing needs `codecommit:ListRepositories`. Nothing is allowed until a policy allows it.",
            as_user("quiz-nobody", 'someone.client("codecommit").list_repositories()', says="is not authorized"),
        ),
        Option(
            "`aws s3api list-buckets`",
            False,
            "It needs `s3:ListAllMyBuckets`, even though the buckets are the account's own.",
        ),
        Option(
            "`aws iam get-user`, without a user name",
            False,
            "Without a name it means the caller, and yet it needs `iam:GetUser`.",
            as_user("quiz-nobody", 'someone.client("iam").get_user()', says="iam:GetUser"),
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

WRITES = Question(
    id="start.q10",
    text="A build's role has to write its artifacts into the bucket `shop-artifacts`, and nothing else is "
    "missing. Which "
    "statement is the least that does it? (All have the effect Allow.)",
    options=(
        Option(
            "`s3:PutObject` on `arn:aws:s3:::shop-artifacts/*`",
            True,
            "The action acts on objects, and this names all objects of the one bucket.",
            may_put("quiz-writer", statement(OBJECTS)),
        ),
        Option(
            "`s3:PutObject` on `arn:aws:s3:::shop-artifacts`",
            False,
            "This is the bucket itself, and no object's ARN matches it.",
            may_put("quiz-writer", statement(BUCKET), says=NO_PUT),
        ),
        Option(
            "`s3:ListBucket` on `arn:aws:s3:::shop-artifacts`",
            False,
            "Listing is another action: who may look need not be able to write.",
            may_put("quiz-writer", statement(BUCKET, "s3:ListBucket"), says=NO_PUT),
        ),
        Option("`s3:*` on `*`", False, "It would do it, and allow to delete every bucket of the account as well."),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

WHOSE = Question(
    id="start.q11",
    text="A pipeline's build action fails: its build was denied `s3:PutObject` on the artifact bucket. Whose "
    "permissions need a look first?",
    options=(
        Option(
            "The service role of the CodeBuild project",
            True,
            "A build acts under the project's role; the message names it, as an assumed role.",
        ),
        Option(
            "The service role of the pipeline",
            False,
            "It starts the build and reads its outcome. What the build itself does is done under the project's role.",
        ),
        Option(
            "The user who pushed the commit",
            False,
            "Who pushed needs to be allowed to push. What follows is done by services, under roles.",
        ),
        Option(
            "The role of the EventBridge rule",
            False,
            "It starts the pipeline (`codepipeline:StartPipelineExecution`), and that has worked.",
        ),
    ),
    objectives=("DVA-C02 4.1", "DOP-C02 5.3"),
)

DENY = Question(
    id="start.q12",
    text="A user's policy allows `s3:PutObject` on all objects of a bucket. Another statement of the policy "
    "denies `s3:PutObject` "
    "on the keys that begin with `quiz/`. The user puts `quiz/note.txt`. What happens?",
    options=(
        Option(
            "It is refused: an explicit deny wins",
            True,
            "Whatever else allows it, in whichever policy and whatever order: one matching Deny is enough.",
        ),
        Option(
            "It is allowed: the Allow comes first",
            False,
            "The order of statements means nothing.",
            may_put(
                "quiz-denied",
                statement(OBJECTS),
                statement("arn:aws:s3:::shop-artifacts-{account}/quiz/*", effect="Deny"),
                says="explicit deny",
            ),
        ),
        Option(
            "It is allowed: the two statements cancel each other, and the bucket's owner decides",
            False,
            "Nothing is cancelled. A Deny that matches ends the decision.",
        ),
        Option(
            "The policy is not valid, as its statements contradict each other",
            False,
            "It is valid, and common: allow much, deny a part of it.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)
