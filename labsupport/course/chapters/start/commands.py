"""Commands that several solutions of this chapter have in common, as a learner types them."""

# What was changed is committed and pushed; the chain follows by itself, up to the approval.
PUSH = "git push origin HEAD:main\n"

# Wait until the approval is asked for, and give it.
APPROVE = """\
lab watch shop
token=$(aws codepipeline get-pipeline-state --name shop --output text \\
    --query "stageStates[?stageName=='Approve'].actionStates[0].latestExecution.token")
aws codepipeline put-approval-result --pipeline-name shop --stage-name Approve --action-name Approve \\
    --token "$token" --result 'summary="CHG-1042: tests have passed",status=Approved'
"""

# boto3: texts in files of main replaced, in one commit.
MAIN = """\
from labsupport import lab

codecommit = lab.client("codecommit")


def change(edits, repository="shop"):
    files = []
    for path, pairs in edits.items():
        file = codecommit.get_file(repositoryName=repository, commitSpecifier="main", filePath=path)
        text = file["fileContent"].decode()
        for old, new in pairs:
            text = text.replace(old, new)
        files.append({"filePath": path, "fileContent": text.encode()})
    newest = codecommit.get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"]
    codecommit.create_commit(repositoryName=repository, branchName="main", parentCommitId=newest,
                             putFiles=files, commitMessage="Change " + ", ".join(edits))


"""

# boto3: wait until the approval is asked for, and give it.
APPROVED = """\

import time

codepipeline = lab.client("codepipeline")


def token():
    for stage in codepipeline.get_pipeline_state(name="shop")["stageStates"]:
        if stage["stageName"] == "Approve":
            return stage["actionStates"][0].get("latestExecution", {}).get("token")


while not token():
    time.sleep(0.2)
codepipeline.put_approval_result(
    pipelineName="shop", stageName="Approve", actionName="Approve", token=token(),
    result={"summary": "CHG-1042: tests have passed", "status": "Approved"})
"""


def edited(path: str, old: str, new: str) -> str:
    """A few lines of Python that do what an editor does: `old` becomes `new` where `new` is not there yet."""
    return (
        "python3 - <<'PYTHON'\n"
        "from pathlib import Path\n"
        f"file = Path({path!r})\n"
        "text = file.read_text()\n"
        f"old, new = {old!r}, {new!r}\n"
        "if new not in text:\n"
        "    file.write_text(text.replace(old, new))\n"
        "PYTHON\n"
    )


def committed(message: str) -> str:
    return f'git add --all\ngit commit -q --allow-empty -m "{message}"\n'


# The approval that waits is answered with no, so that the next execution has its turn.
REJECTED = """\
import subprocess

from labsupport import lab

codepipeline = lab.client("codepipeline")
for stage in codepipeline.get_pipeline_state(name="shop")["stageStates"]:
    token = stage["actionStates"][0].get("latestExecution", {}).get("token")
    if token:
        codepipeline.put_approval_result(pipelineName="shop", stageName="Approve", actionName="Approve", token=token,
                                         result={"summary": "CHG-1042: not this one", "status": "Rejected"})
"""
