"""guard.4: a second factor, with a real one-time code."""

from labsupport.course.chapters.guard.people import GROUP, USER
from labsupport.course.chapters.guard.seeing import ALLOWED, DENIED, arn, decision, events, found, repository_arn
from labsupport.course.declare import (
    Exercise,
    Finding,
    Outcome,
    Solution,
    World,
    Wrong,
    bash,
    expect,
    holds,
    not_right,
    not_yet,
    python,
)  # fmt: skip

ACTION, KEY = "codecommit:DeleteBranch", "aws:MultiFactorAuthPresent"


@expect(f"{USER} has an MFA device")
def device(world: World) -> Finding:
    listed = found(world.client("iam").list_mfa_devices, UserName=USER)
    if listed is None:
        return not_yet(f"There is no user {USER} yet.", "Exercise guard.1 makes it.")
    if listed["MFADevices"]:
        return holds(listed["MFADevices"][0]["SerialNumber"])
    unassigned = world.client("iam").list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
    show = f"`aws iam list-mfa-devices --user-name {USER}` shows the user's devices."
    mine = [one["SerialNumber"] for one in unassigned if one["SerialNumber"].rsplit("/", 1)[-1].startswith("guard")]
    if mine:
        return not_right(
            f"{mine[0]} was made, and is nobody's.",
            f"`aws iam enable-mfa-device` gives it to a user, with two codes that follow each other. {show}",
        )
    return not_yet("The user has none.", f"`aws iam create-virtual-mfa-device help`. {show}")


@expect("without a one-time code, a branch cannot be deleted")
def refused_without(world: World) -> Finding:
    said = _decided(world, "false")
    if isinstance(said, Finding):
        return said
    if said == DENIED:
        return holds(f"{ACTION} without MFA: {said}")
    return not_yet(f"{ACTION} without MFA: {said}.", _SHOW)


@expect("with one it can", given=True)
def allowed_with(world: World) -> Finding:
    said = _decided(world, "true")
    if isinstance(said, Finding):
        return said
    if said == ALLOWED:
        return holds(f"{ACTION} with MFA: {said}")
    return not_right(
        f"{ACTION} with MFA: {said}.",
        f"The deny must depend on MFA: a condition on `{KEY}`. {_SHOW}",
    )


_SHOW = f"`aws iam list-group-policies --group-name {GROUP}` names the group's inline policies."


def _decided(world: World, mfa: str) -> str | Finding:
    if found(world.client("iam").get_user, UserName=USER) is None:
        return not_yet(f"There is no user {USER} yet.", "Exercise guard.1 makes it.")
    return decision(
        world,
        arn(world, f"user/{USER}"),
        ACTION,
        repository_arn(world),
        {KEY: mfa, "codecommit:References": "refs/heads/x"},
    )


@expect(f"{USER} has made a call in a session with MFA")
def used(world: World) -> Finding:
    answer = found(world.client("iam").get_user, UserName=USER)
    if answer is None:
        return not_yet(f"There is no user {USER} yet.", "Exercise guard.1 makes it.")
    mine = answer["User"]["UserId"]  # not the name: an earlier user of the name is somebody else
    for event in events(world, "ListRepositories"):
        identity = event["userIdentity"]
        attributes = identity.get("sessionContext", {}).get("attributes", {})
        if identity.get("principalId") == mine and attributes.get("mfaAuthenticated") == "true":
            return holds(f"ListRepositories at {event['eventTime']}")
    calls = [event for event in events(world, "GetSessionToken") if event["userIdentity"].get("principalId") == mine]
    show = "`aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=ListRepositories`"
    if calls and calls[0].get("errorCode"):
        return not_right(
            f"GetSessionToken was refused: {calls[0].get('errorMessage', calls[0]['errorCode'])}",
            "A code is taken once, and only in its 30 seconds (or the ones beside them): make a fresh one.",
        )
    if calls:
        return not_right("A session was made; no ListRepositories in it so far.", f"{show} shows who called it.")
    return not_yet("CloudTrail has no such call.", f"`aws sts get-session-token help`. {show} shows who called it.")


# An authenticator app in a few lines: a keyed hash of the time in steps of 30 seconds (RFC 6238).
_APP = """
def code(seed, later=0):
    key, step = base64.b32decode(seed), int(time.time()) // 30 + later
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    number = int.from_bytes(digest[at:at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1000000:06d}"
"""
_CODE = (
    """
code() {  # code SEED STEPS-LATER...
python3 - "$@" <<'PYTHON'
import base64, hmac, sys, time

"""
    + _APP
    + """
print(*(code(sys.argv[1], int(later)) for later in sys.argv[2:]))
PYTHON
}
"""
)
_POLICY = f"""
aws iam put-group-policy --group-name {GROUP} --policy-name mfa --policy-document '{{
  "Version": "2012-10-17",
  "Statement": [{{
    "Effect": "Deny", "Action": ["codecommit:DeleteBranch", "codecommit:DeleteFile"], "Resource": "*",
    "Condition": {{"BoolIfExists": {{"{KEY}": "false"}}}}
  }}]
}}'
"""
_DEVICE = f"""
device=$(aws iam list-mfa-devices --user-name {USER} --query "MFADevices[0].SerialNumber" --output text)
if [ "$device" != None ]; then
    aws iam deactivate-mfa-device --user-name {USER} --serial-number "$device"
    aws iam delete-virtual-mfa-device --serial-number "$device"
fi
serial=arn:aws:iam::$(aws sts get-caller-identity --query Account --output text):mfa/guard-phone
aws iam delete-virtual-mfa-device --serial-number "$serial" 2>/dev/null || true
seed=$(aws iam create-virtual-mfa-device --virtual-mfa-device-name guard-phone \\
    --bootstrap-method Base32StringSeed --outfile guard-phone.seed --query VirtualMFADevice.SerialNumber \\
    --output text > guard-phone.serial && cat guard-phone.seed)
read -r first second third <<< "$(code "$seed" -1 0 1)"
aws iam enable-mfa-device --user-name {USER} --serial-number "$(cat guard-phone.serial)" \\
    --authentication-code1 "$first" --authentication-code2 "$second"
"""
_SESSION = f"""
aws iam list-access-keys --user-name {USER} --query "AccessKeyMetadata[].AccessKeyId" --output text | tr '\\t' '\\n' |
    while read -r old; do [ -z "$old" ] || aws iam delete-access-key --user-name {USER} --access-key-id "$old"; done
read -r id secret <<< "$(aws iam create-access-key --user-name {USER} \\
    --query "AccessKey.[AccessKeyId,SecretAccessKey]" --output text)"
read -r id secret token <<< "$(AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret aws sts get-session-token \\
    --serial-number "$(cat guard-phone.serial)" --token-code "$third" \\
    --query "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]" --output text)"
AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token aws codecommit list-repositories
"""
_BOTO3 = f"""
import base64, hmac, json, time
import boto3
from labsupport import lab


{_APP.strip()}


iam, user = lab.client("iam"), "{USER}"
for one in iam.list_mfa_devices(UserName=user)["MFADevices"]:
    iam.deactivate_mfa_device(UserName=user, SerialNumber=one["SerialNumber"])
for one in iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]:
    if one["SerialNumber"].endswith("/guard-phone"):
        iam.delete_virtual_mfa_device(SerialNumber=one["SerialNumber"])
made = iam.create_virtual_mfa_device(VirtualMFADeviceName="guard-phone")["VirtualMFADevice"]
serial, seed = made["SerialNumber"], made["Base32StringSeed"]
iam.enable_mfa_device(UserName=user, SerialNumber=serial,
                      AuthenticationCode1=code(seed, -1), AuthenticationCode2=code(seed))
iam.put_group_policy(GroupName="{GROUP}", PolicyName="mfa", PolicyDocument=json.dumps({{
    "Version": "2012-10-17",
    "Statement": [{{"Effect": "Deny", "Action": ["codecommit:DeleteBranch", "codecommit:DeleteFile"], "Resource": "*",
                   "Condition": {{"BoolIfExists": {{"{KEY}": "false"}}}}}}]}}))
for old in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
    iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
key = iam.create_access_key(UserName=user)["AccessKey"]
developer = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
session = developer.client("sts").get_session_token(SerialNumber=serial, TokenCode=code(seed, 1))["Credentials"]
safe = boto3.Session(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
print(safe.client("codecommit").list_repositories()["repositories"])
"""

EXERCISE = Exercise(
    id="guard.4",
    title="A second factor",
    task=f"""
A stolen access key should not be enough to delete anything.

- Give `{USER}` a **virtual MFA device** (`aws iam create-virtual-mfa-device`, then `enable-mfa-device`, which wants two
  codes that follow each other). No phone is needed: an authenticator app computes a keyed hash of the time, and so can
  you, from the seed that the first command gives. A function that does it is below.
- Put a policy on the group `{GROUP}` that **denies `{ACTION}` unless MFA is present**.
- With an access key of `{USER}` and a one-time code, get a **session** from STS, and list the repositories in it.

```python
import base64, hmac, time


{_APP.strip()}
```

`code(seed)` is the code of now, `code(seed, -1)` the one before it, `code(seed, 1)` the next.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 6.3"),
    hints=(
        f"The condition key is `{KEY}`. It is `true` in a session that was made with a code, `false` in other "
        "sessions, and **missing** where a user's own key signs.",
        'A key that is missing makes `"Bool": {…: "false"}` not match, and the deny is no deny. `BoolIfExists` '
        "matches then, too. "
        "The session comes from `aws sts get-session-token --serial-number … --token-code …`, signed by the user's "
        "own key.",
        "`aws iam create-virtual-mfa-device --virtual-mfa-device-name guard-phone --bootstrap-method Base32StringSeed "
        "--outfile seed` writes the seed into a file, and answers with the device's `SerialNumber`. A code is taken "
        "once: after `code(seed, -1)` and `code(seed)` for `enable-mfa-device` the session wants the next one. Wait "
        "for it, or give `code(seed, 1)`: a device's clock may be a step ahead.",
    ),
    check=(device, refused_without, allowed_with, used),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_CODE + _DEVICE + _POLICY + _SESSION),
            "`BoolIfExists` makes the deny hold for plain access keys too, where the key is missing. The session's "
            "calls "
            "carry `MultiFactorAuthPresent: true`, which CloudTrail shows as `mfaAuthenticated`.",
        ),
        Solution(
            "boto3", python(_BOTO3), "The same with boto3: the session's three values make a client of their own."
        ),
    ),
    wrong=(
        Wrong(
            "denied for all",
            bash(
                f"aws iam put-group-policy --group-name {GROUP} --policy-name mfa --policy-document "
                '\'{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "codecommit:Delete*", '
                '"Resource": "*"}]}\''
            ),
            Outcome.NOT_RIGHT,
            "The deny must depend on MFA",
        ),
        Wrong(
            "never enabled",
            bash(
                "aws iam create-virtual-mfa-device --virtual-mfa-device-name guard-phone "
                "--bootstrap-method Base32StringSeed --outfile guard-phone.seed"
            ),
            Outcome.NOT_RIGHT,
            "and is nobody's",
        ),
    ),
    breaks=(bash(f"aws iam delete-group-policy --group-name {GROUP} --policy-name mfa"),),
)
