"""The chapter `start`: its starting point undoes nothing, and what it made goes again, in whatever state it is."""

import json

import pytest

from labsupport import samples
from labsupport.course.chapters.start import beginning, ending, material

WRITE = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::shop-artifacts-123456789012/*"}
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


@pytest.fixture(scope="module")
def world(lab):
    beginning.begin(lab.world)
    return lab.world


def policy(world) -> dict:
    return world.client("iam").get_role_policy(RoleName="stock-build", PolicyName="stock-build")["PolicyDocument"]


def test_beginning_again_leaves_what_the_learner_has_mended(world):
    whole = {"Version": "2012-10-17", "Statement": [*policy(world)["Statement"], WRITE]}
    document = json.dumps(whole)
    world.client("iam").put_role_policy(RoleName="stock-build", PolicyName="stock-build", PolicyDocument=document)
    codepipeline = world.client("codepipeline")
    mended = codepipeline.get_pipeline(name="stock")["pipeline"]
    mended["stages"][2]["actions"][0]["configuration"]["TemplatePath"] = "BuildOutput::template.yml"
    codepipeline.update_pipeline(pipeline=mended)
    beginning.begin(world)
    assert policy(world) == whole
    path = codepipeline.get_pipeline(name="stock")["pipeline"]["stages"][2]["actions"][0]["configuration"]
    assert path["TemplatePath"] == "BuildOutput::template.yml"


def test_beginning_again_makes_what_has_been_deleted(world):
    world.client("iam").delete_role_policy(RoleName="shop-build", PolicyName="shop-build")
    world.client("codepipeline").delete_pipeline(name="shop")
    world.client("events").put_rule(Name="shop-push", EventPattern='{"source": ["aws.s3"]}')
    beginning.begin(world)
    assert world.client("iam").list_role_policies(RoleName="shop-build")["PolicyNames"] == ["shop-build"]
    assert world.client("codepipeline").get_pipeline(name="shop")
    assert "codecommit" in world.client("events").describe_rule(Name="shop-push")["EventPattern"]


def untidy(world) -> None:
    """Things that stand in the way of deleting, and things that are nobody's but the learner's."""
    world.client("iam").attach_role_policy(RoleName="stock-build", PolicyArn=S3_FULL)
    s3, bucket = world.client("s3"), "shop-artifacts-123456789012"
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key="left/over", Body=b"two versions")
    s3.delete_object(Bucket=bucket, Key="left/over")
    template = "Resources:\n  Kept:\n    Type: AWS::S3::Bucket\n"
    cloudformation, role = world.client("cloudformation"), "arn:aws:iam::123456789012:role/shop-provision"
    made = cloudformation.create_stack(StackName="shop-stack", TemplateBody=template, RoleARN=role)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=made["StackId"], WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resource(StackName="shop-stack", LogicalResourceId="Kept")
    s3.put_object(Bucket=found["StackResourceDetail"]["PhysicalResourceId"], Key="receipt", Body=b"1")
    world.client("iam").delete_role_policy(RoleName="shop-provision", PolicyName="shop-provision")
    for name in ("Shop", "mine"):
        world.client("codecommit").create_repository(repositoryName=name)
    world.client("sns").create_topic(Name="mine")


def remaining(world) -> dict[str, list[str]]:
    """What there is of the kinds of things that the chapter makes."""
    call = world.client
    return {
        "repositories": [one["repositoryName"] for one in call("codecommit").list_repositories()["repositories"]],
        "pipelines": [one["name"] for one in call("codepipeline").list_pipelines()["pipelines"]],
        "projects": call("codebuild").list_projects()["projects"],
        "applications": call("codedeploy").list_applications()["applications"],
        "rules": [one["Name"] for one in call("events").list_rules()["Rules"]],
        "roles": [one["RoleName"] for one in call("iam").list_roles()["Roles"] if one["Path"] == "/"],
        "buckets": [one["Name"] for one in call("s3").list_buckets()["Buckets"]],
        "topics": [one["TopicArn"].rsplit(":", 1)[-1] for one in call("sns").list_topics()["Topics"]],
        "aliases": [
            one["AliasName"] for one in call("kms").list_aliases()["Aliases"] if "aws/" not in one["AliasName"]
        ],
        "stacks": [one["StackName"] for one in call("cloudformation").describe_stacks()["Stacks"]],
    }


def test_forgetting_takes_all_of_the_chapter_and_nothing_else(world):
    untidy(world)
    ending.forget(world)
    left = remaining(world)
    assert {kind: names for kind, names in left.items() if names} == {"repositories": ["mine"], "topics": ["mine"]}
    ending.forget(world)  # nothing is there, and nothing is wrong with that


def test_the_material_has_the_faults_that_the_exercises_ask_for(tmp_path):
    material.put_shop(tmp_path / "shop")
    assert "AUDIENCE" in (tmp_path / "shop" / "buildspec.yml").read_text()
    assert "ValidateService" not in (tmp_path / "shop" / "appspec.yml").read_text()
    assert samples.WRONG in (tmp_path / "shop" / "shop" / "basket.py").read_text()


def test_material_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "shop").mkdir()
    material.put_shop(tmp_path / "shop")
    assert list((tmp_path / "shop").iterdir()) == []
