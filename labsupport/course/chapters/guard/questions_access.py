"""The quiz, its first half: who may do what, and in whose name."""

from typing import Any

from labsupport.course.chapters.guard.proofs import ASSUME, allow, deny, simulated, with_role
from labsupport.course.declare import Option, Proof, Question

OBJECT, BUCKET = "arn:aws:s3:::reports/2026.csv", "arn:aws:s3:::reports"
MFA = "aws:MultiFactorAuthPresent"
ALL_BUT_IAM = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}


def _stops(operator: str, value: str = "false", **more: Any) -> Proof:
    """Somebody who may do anything in EC2, and is denied stopping where the condition on MFA holds."""
    denied = deny("ec2:StopInstances", Condition={operator: {MFA: value}})
    return simulated(allow("ec2:*"), denied, action="ec2:StopInstances", **more)


def _bounded(action: str, says: str = "") -> Proof:
    """A role whose policy and boundary have S3 in common."""
    limits = (allow(["s3:*", "logs:*"]),)
    return simulated(allow(["s3:*", "ec2:*"]), boundary=limits, action=action, says=says)


DENY = Question(
    id="guard.q1",
    text=(
        "A user's group has `AdministratorAccess`. A policy of the user itself allows `s3:GetObject` on the bucket "
        "`reports` only. What keeps the user from deleting objects?"
    ),
    options=(
        Option(
            "A further policy with `Deny` on `s3:DeleteObject`, in whatever place",
            True,
            "An explicit deny in any of the policies wins over every allow.",
            simulated(
                allow("*"), deny("s3:DeleteObject"), action="s3:DeleteObject", resource=OBJECT, wanted="explicitDeny"
            ),
        ),
        Option(
            "Nothing more is needed: the narrower policy counts",
            False,
            "Allows add up. A second policy that allows less takes nothing away.",
            simulated(
                allow("*"),
                allow("s3:GetObject", "arn:aws:s3:::reports/*"),
                action="s3:DeleteObject",
                resource=OBJECT,
                wanted="explicitDeny",
                says="allowed",
            ),
        ),
        Option(
            "Moving the narrow policy in front of the group's",
            False,
            "Policies have no order: all of them are looked at.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

NOT_ACTION = Question(
    id="guard.q2",
    text='What does `{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}` do?',
    options=(
        Option(
            "It allows everything but IAM, and leaves room for another policy that allows IAM",
            True,
            "`NotAction` with `Allow` allows what it doesn't name. It denies nothing.",
            simulated(ALL_BUT_IAM, allow("iam:GetUser"), action="iam:GetUser"),
        ),
        Option(
            "It denies IAM, whatever other policies say",
            False,
            "Only `Deny` denies. IAM is not allowed by this statement; another one may still allow it.",
            simulated(ALL_BUT_IAM, action="iam:GetUser", wanted="explicitDeny", says="implicitDeny"),
        ),
        Option(
            "It allows nothing, for it names no `Action`",
            False,
            "A statement has either `Action` or `NotAction`.",
            simulated(ALL_BUT_IAM, action="s3:GetObject", resource=OBJECT, wanted="implicitDeny", says="allowed"),
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

IF_EXISTS = Question(
    id="guard.q3",
    text=(
        "Stopping instances must need MFA, for sessions and for plain access keys alike. With a plain access key the "
        f"condition key `{MFA}` is missing. Which condition of a `Deny` on `ec2:StopInstances` does it?"
    ),
    options=(
        Option(
            f'`"BoolIfExists": {{"{MFA}": "false"}}`',
            True,
            "`…IfExists` holds, too, where the key is missing, so the deny counts for plain keys.",
            _stops("BoolIfExists", wanted="explicitDeny"),
        ),
        Option(
            f'`"Bool": {{"{MFA}": "false"}}`',
            False,
            "A key that is missing equals nothing: the condition doesn't hold, and the deny doesn't count.",
            _stops("Bool", wanted="explicitDeny", says="allowed"),
        ),
        Option(
            f'`"Null": {{"{MFA}": "false"}}`',
            False,
            "That holds where the key is there, whatever it says: those with MFA are denied, plain keys get through.",
            _stops("Null", wanted="explicitDeny", says="allowed"),
        ),
        Option(
            f'`"BoolIfExists": {{"{MFA}": "true"}}`',
            False,
            "That denies those who have MFA, and those without the key.",
            _stops("BoolIfExists", "true", context=((MFA, "boolean", "true"),), says="explicitDeny"),
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

BOUNDARY = Question(
    id="guard.q4",
    text=(
        "A role's policy allows `s3:*` and `ec2:*`; its permissions boundary allows `s3:*` and `logs:*`. "
        "What may the role do? (Choose two.)"
    ),
    options=(
        Option("`s3:PutObject`", True, "Both allow it.", _bounded("s3:PutObject")),
        Option(
            "`ec2:RunInstances`", False, "The boundary doesn't allow it.", _bounded("ec2:RunInstances", "implicitDeny")
        ),
        Option(
            "`logs:PutLogEvents`",
            False,
            "A boundary gives nothing: the role's own policies don't allow it.",
            _bounded("logs:PutLogEvents", "implicitDeny"),
        ),
        Option("`s3:ListAllMyBuckets`", True, "`s3:*` in both names it, too.", _bounded("s3:ListAllMyBuckets")),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

CROSS_ACCOUNT = Question(
    id="guard.q5",
    text="A user of account A wants to assume a role of account B. What is needed? (Choose two.)",
    options=(
        Option(
            "The role's trust policy in B names account A, or the user",
            True,
            "Without it nobody comes in; with it, and the user's own permission, the call succeeds.",
            with_role(),
        ),
        Option(
            "A policy of the user in A allows `sts:AssumeRole` on the role",
            True,
            "Across accounts both sides have to allow it.",
            with_role(),
        ),
        Option(
            "The trust policy alone will do",
            False,
            "An account that trusts another leaves it to that account whom of its users it lets go.",
            with_role(allowed="[]", says="is not authorized to perform: sts:AssumeRole"),
        ),
        Option(
            "The user's permission alone will do",
            False,
            "An account lets in only whom it trusts: here it trusts somebody else.",
            with_role(
                principal='{"AWS": "arn:aws:iam::210987654321:root"}',
                says="is not authorized to perform: sts:AssumeRole",
            ),
        ),
        Option(
            "An access key of a user of B",
            False,
            "That is what roles are there to avoid: no long-lived key crosses the border.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 2.2"),
)

_EXTERNAL = '{"Condition": {"StringEquals": {"sts:ExternalId": "7731"}}}'
EXTERNAL = Question(
    id="guard.q6",
    text=(
        "A monitoring company enters the accounts of many customers by roles. What keeps one customer from having the "
        "company look into another customer's account, whose role's ARN it has guessed?"
    ),
    options=(
        Option(
            "The role's trust policy asks for `sts:ExternalId`, which the company gives each customer another of",
            True,
            "The company says for which customer it comes; with the wrong id, or none, it isn't let in.",
            with_role(ASSUME.format(extra=', ExternalId="7731"'), condition=_EXTERNAL),
        ),
        Option(
            "The role's trust policy names the company's account",
            False,
            "It is the company that is used, so its account is the right one in both cases.",
            with_role(condition=_EXTERNAL, says="is not authorized to perform: sts:AssumeRole"),
        ),
        Option(
            "The role's name is kept secret",
            False,
            "A name is no secret: it stands in logs, templates and tickets.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

_CHAIN = """\
there.put_role_policy(RoleName="quiz-guard", PolicyName="again", PolicyDocument=json.dumps({{
    "Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}]}}))
first = someone.client("sts").assume_role(RoleArn=arn, RoleSessionName="quiz"{first})["Credentials"]
chained = boto3.Session(first["AccessKeyId"], first["SecretAccessKey"], first["SessionToken"])
{second}"""
_AGAIN = 'chained.client("sts").assume_role(RoleArn=arn, RoleSessionName="again"{extra})'


def _chain(first: str = "", second: str = "", says: str = "") -> Proof:
    call = _CHAIN.format(first=first, second=second)
    return with_role(call, profile="learner", says=says)


CHAINING = Question(
    id="guard.q7",
    text="A role has a maximum session duration of 2 hours. Which of these gives a session of 2 hours?",
    options=(
        Option(
            "A user assumes it with `DurationSeconds=7200`",
            True,
            "Up to the role's maximum, which can be set between 1 and 12 hours.",
            _chain(first=", DurationSeconds=7200"),
        ),
        Option(
            "A session of another role assumes it with `DurationSeconds=7200`",
            False,
            "Role chaining: a session that was made from a role's session lasts 1 hour at most.",
            _chain(second=_AGAIN.format(extra=", DurationSeconds=7200"), says="chaining"),
        ),
        Option(
            "A user assumes it and gives no duration",
            False,
            "The default is 1 hour, whatever the role's maximum is.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

_SINCE = "2026-03-01T00:00:00Z"
REVOKE = Question(
    id="guard.q8",
    text="Keys of a role's session have leaked. What ends all sessions that exist now, and leaves new ones possible?",
    options=(
        Option(
            "An inline policy on the role that denies everything where `aws:TokenIssueTime` is before now",
            True,
            "That is what *Revoke active sessions* in the console does: a session made later is not met.",
            simulated(
                allow("*"),
                deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": _SINCE}}),
                action="s3:GetObject",
                resource=OBJECT,
                context=(("aws:TokenIssueTime", "date", "2026-02-28T23:00:00Z"),),
                wanted="explicitDeny",
            ),
        ),
        Option(
            "A shorter maximum session duration of the role",
            False,
            "It counts for sessions that are made from then on; those that exist last as long as they were made for.",
        ),
        Option(
            "A deny on the role for everybody, without a condition",
            False,
            "It ends the sessions, and every new one with them.",
            simulated(
                allow("*"),
                deny("*"),
                action="s3:GetObject",
                resource=OBJECT,
                context=(("aws:TokenIssueTime", "date", "2026-03-02T00:00:00Z"),),
                says="explicitDeny",
            ),
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 6.3"),
)

QUESTIONS = (DENY, NOT_ACTION, IF_EXISTS, BOUNDARY, CROSS_ACCOUNT, EXTERNAL, CHAINING, REVOKE)
