"""start.1: who am I, and a repository that says so."""

from typing import Any

from labsupport.course.chapters.start.seeing import repository, user_name
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

LIST = "`aws codecommit list-repositories` lists those that there are."
DELETE = bash("aws codecommit delete-repository --repository-name shop")


@expect("there is a repository named `shop`")
def exists(world: World) -> Finding:
    found = repository(world)
    if found:
        return holds(str(found["Arn"]))
    others = [one["repositoryName"] for one in world.client("codecommit").list_repositories()["repositories"]]
    near = [name for name in others if name.lower().strip("-_ ") == "shop"]
    if near:
        return not_right(f"There is {near[0]}. Names tell capitals from small letters.", f"Make one named shop. {LIST}")
    return not_yet("CodeCommit has no repository of that name.", f"`aws codecommit create-repository help`. {LIST}")


@expect("its tag `owner` is your user name")
def tagged(world: World) -> Finding:
    found = repository(world)
    if not found:
        return not_yet("There is no repository to look at yet.", LIST)
    tags = world.client("codecommit").list_tags_for_resource(resourceArn=found["Arn"])["tags"]
    show = f"`aws codecommit list-tags-for-resource --resource-arn {found['Arn']}` shows the tags."
    if not tags:
        return not_yet("It has no tags.", f"`aws codecommit tag-resource` adds one to what is there already. {show}")
    if "owner" not in tags:
        return not_right(
            f"It is tagged {_shown(tags)}, and owner is not among them.", f"Keys are case-sensitive. {show}"
        )
    return _owner(world, tags["owner"], show)


def _owner(world: World, owner: str, show: str) -> Finding:
    name = user_name(world)
    if owner == name:
        return holds(f"owner={owner}")
    arn = world.client("sts").get_caller_identity()["Arn"]
    return not_right(
        f"The tag owner is {owner}.",
        f"Your ARN is {arn}: the user's name is its last part, after the /. "
        f"`aws codecommit tag-resource` replaces a tag's value. {show}",
    )


def _shown(tags: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


EXERCISE = Exercise(
    id="start.1",
    title="Who are you?",
    task="""
Ask AWS who you are, then make a CodeCommit repository that says so:

- its name is **`shop`**,
- it has a tag **`owner`**, whose value is your **user name**.

Every command has the form `aws SERVICE OPERATION --option value`. You need `aws sts get-caller-identity` and
`aws codecommit create-repository`; in a terminal, `aws codecommit create-repository help` tells its options.
""",
    objectives=("DVA-C02 1.1", "DVA-C02 2.1", "DOP-C02 1.1", "DOP-C02 6.1"),
    hints=(
        "Run `aws sts get-caller-identity` first, and look at the end of the `Arn`.",
        "An ARN names one thing at AWS: `arn:partition:service:region:account:what`. A user's ends in `user/NAME`. "
        "A tag is a pair of key and value; many `create-…` operations take them as `--tags key=value`.",
        "`aws codecommit create-repository --repository-name shop --tags owner=…`. Is the repository there already? "
        "Then `aws codecommit tag-resource --resource-arn … --tags owner=…` adds the tag.",
    ),
    check=(exists, tagged),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(
                "aws sts get-caller-identity --query Arn --output text     # …:user/learner\n"
                "aws codecommit create-repository --repository-name shop --tags owner=learner\n"
            ),
            "`GetCallerIdentity` says whose key signed the call. The tag comes with the repository, in one call.",
        ),
        Solution(
            "boto3",
            python(
                "from labsupport import lab\n\n"
                'name = lab.client("sts").get_caller_identity()["Arn"].split("/")[-1]\n'
                'lab.client("codecommit").create_repository(repositoryName="shop", tags={"owner": name})\n'
            ),
            "The same two calls: boto3's methods are the operations in snake case, the parameters are AWS's.",
        ),
    ),
    wrong=(
        Wrong(
            "capital",
            bash("aws codecommit create-repository --repository-name Shop --tags owner=learner"),
            Outcome.NOT_RIGHT,
            "Names tell capitals from small letters",
            bash("aws codecommit delete-repository --repository-name Shop"),
        ),
        Wrong(
            "account",
            bash("aws codecommit create-repository --repository-name shop --tags owner=123456789012"),
            Outcome.NOT_RIGHT,
            "the user's name is its last part",
            DELETE,
        ),
    ),
    breaks=(DELETE,),
)
