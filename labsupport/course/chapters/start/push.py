"""start.2: a clone, the shop's files, and the first push."""

from labsupport.course.chapters.start.commands import PUSH
from labsupport.course.chapters.start.seeing import RUNS, head, repository, runs
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

NEEDED = ("appspec.yml", "buildspec.yml", "template.yml")
SHOW = (
    '`aws codecommit get-folder --repository-name shop --folder-path / --query "files[].relativePath"` lists the files.'
)
HELPER = (
    "'credential.helper=!f() { test \"$1\" != get || aws codecommit credential-helper --ignore-host-check get; }; f'"
)
CLONE = f"""\
address() {{
    aws codecommit get-repository --repository-name shop --query repositoryMetadata.cloneUrlHttp --output text
}}
test -d shop || git clone -c credential.UseHttpPath=true \\
    -c {HELPER} \\
    -c user.name=learner -c user.email=learner@example.com "$(address)" shop
cd shop
"""
FILL = """\
cp -R "$LAB_HOME/material/shop/." .
git add --all
git commit --allow-empty -m "Release 1.0.0"
"""


@expect("`main` has a commit")
def committed(world: World) -> Finding:
    commit = head(world)
    if commit:
        return holds(commit)
    if repository(world) is None:
        return not_yet("There is no repository shop yet.", "Exercise start.1 makes it.")
    branches = world.client("codecommit").list_branches(repositoryName="shop")["branches"]
    if branches:
        name = ", ".join(branches)
        return not_right(
            f"The repository has the branch {name}, and no main.", "`git push origin HEAD:main` pushes to main."
        )
    return _not_pushed(world)


def _not_pushed(world: World) -> Finding:
    try:
        commit = world.git("shop", "rev-parse", "--verify", "HEAD")
    except LookupError:
        return not_yet("The repository is empty.", "Clone it, put the files in, commit, push: hint 2 says how.")
    return not_right(
        f"Your clone has the commit {commit[:8]}; the repository has none.", "`git push origin HEAD:main` pushes it."
    )


@expect("`buildspec.yml`, `appspec.yml` and `template.yml` lie at the root of `main`")
def at_the_root(world: World) -> Finding:
    if head(world) is None:
        return not_yet("main has no commit yet.", SHOW)
    codecommit = world.client("codecommit")
    root = codecommit.get_folder(repositoryName="shop", commitSpecifier="refs/heads/main", folderPath="/")
    there = {one["relativePath"] for one in root["files"]}
    missing = [name for name in NEEDED if name not in there]
    if not missing:
        return holds(f"with {len(there) - len(NEEDED)} other files and {len(root['subFolders'])} folders")
    folders = ", ".join(one["relativePath"] for one in root["subFolders"]) or "none"
    return not_right(
        f"Missing there: {', '.join(missing)}. The folders at the root are: {folders}.",
        '`cp -R "$LAB_HOME/material/shop/." .` inside your clone copies the folder\'s content, not the folder. ' + SHOW,
    )


@expect("the push has started the pipeline")
def started(world: World) -> Finding:
    fetched = [one for one in runs(world) if one.get("sourceRevisions")]
    if fetched:
        return holds(f"execution {fetched[-1]['pipelineExecutionId'][:8]}, by {fetched[-1]['trigger']['triggerType']}")
    if head(world) is None:
        return not_yet("Nothing has been pushed to main yet.", RUNS)
    return not_yet(
        "No execution has fetched a commit so far.", f"A push takes a moment to arrive, so check again. {RUNS}"
    )


EXERCISE = Exercise(
    id="start.2",
    title="The first push",
    task="""
The shop's files lie in `$LAB_HOME/material/shop`. Bring them into CodeCommit:

1. clone your repository into `$LAB_HOME/clones/shop` (these cells begin in `$LAB_HOME/clones`),
2. copy the files into the clone, so that `buildspec.yml` lies at its **root**,
3. commit, and push to the branch **`main`**.

git asks for a password, and the AWS CLI makes one from your key. This tells git so, for this clone
(`--ignore-host-check` because this CodeCommit is not at an address of AWS's):

```bash
url=$(aws codecommit get-repository --repository-name shop \\
    --query repositoryMetadata.cloneUrlHttp --output text)
git clone -c credential.UseHttpPath=true \\
    -c """
    + HELPER
    + """ \\
    -c user.name=learner -c user.email=learner@example.com "$url" shop
```
""",
    objectives=("DVA-C02 3.1", "DVA-C02 3.4", "DOP-C02 1.1"),
    hints=(
        "The command for cloning is in the task, whole. After it: `cd shop`, and `ls -A` shows an empty repository.",
        'Four steps: `cp -R "$LAB_HOME/material/shop/." .` (the `/.` means: what is in it), `git add --all`, '
        "`git commit -m …`, `git push …`.",
        "`git push origin HEAD:main` pushes what you have to main, whatever your own branch is called. Then "
        '`lab.pipeline("shop").watch()`: an EventBridge rule has started the pipeline.',
    ),
    check=(committed, at_the_root, started),
    solutions=(
        Solution(
            "git with the CLI's credential helper",
            bash(f"{CLONE}{FILL}{PUSH}"),
            "The helper signs with your key, so there is no password to keep. The pipeline starts by itself: "
            "CodeCommit publishes an event, and a rule has the pipeline as its target. Its build fails; that is next.",
        ),
        Solution(
            "boto3, without git",
            python(
                "import os\n"
                "from pathlib import Path\n\n"
                "from labsupport import lab\n\n"
                'shop = Path(os.environ["LAB_HOME"]) / "material" / "shop"\n'
                'files = [{"filePath": str(path.relative_to(shop)), "fileContent": path.read_bytes(),\n'
                '          "fileMode": "EXECUTABLE" if os.access(path, os.X_OK) else "NORMAL"}\n'
                '         for path in shop.rglob("*") if path.is_file()]\n'
                'codecommit = lab.client("codecommit")\n'
                'branches = codecommit.list_branches(repositoryName="shop")["branches"]\n'
                "parent = {}\n"
                'if "main" in branches:\n'
                '    main = codecommit.get_branch(repositoryName="shop", branchName="main")["branch"]\n'
                '    parent = {"parentCommitId": main["commitId"]}\n'
                'codecommit.create_commit(repositoryName="shop", branchName="main", putFiles=files,\n'
                '                         commitMessage="Release 1.0.0", **parent)\n'
            ),
            "CreateCommit makes a commit without a clone, as a bot would. You will want a clone for what follows.",
        ),
    ),
    wrong=(
        Wrong(
            "not-pushed",
            bash(CLONE + FILL),
            Outcome.NOT_RIGHT,
            "the repository has none",
        ),
        Wrong(
            "other-branch",
            bash(f"{CLONE}{FILL}git push origin HEAD:master\n"),
            Outcome.NOT_RIGHT,
            "and no main",
        ),
        Wrong(
            "folder-in-folder",
            bash(
                f"{CLONE}"
                "git rm -rq --ignore-unmatch .\n"
                'cp -R "$LAB_HOME/material/shop" .\n'
                "git add --all\n"
                'git commit -qm "Release 1.0.0"\n'
                "git push origin HEAD:main\n"
            ),
            Outcome.NOT_RIGHT,
            "copies the folder's content, not the folder",
            bash("cd shop\ngit rm -rq .\n"),
        ),
    ),
    shows=("code",),
    breaks=(bash('cd shop\ngit rm -q appspec.yml\ngit commit -qm "Remove it"\ngit push -q origin HEAD:main\n'),),
)
