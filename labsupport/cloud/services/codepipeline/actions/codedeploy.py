"""The CodeDeploy action (User Guide: "CodeDeploy deploy action reference")."""

from labsupport.cloud.services.codepipeline import links
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work

LOOK_AGAIN = 15.0  # seconds
_RUNNING = ("Created", "Queued", "InProgress", "Baking", "Ready")


async def deploy(work: Work) -> bool | float:
    """Start the deployment of the input artifact once; then see whether it has ended."""
    client = work.client("codedeploy")
    if not work.action.external_id:
        place = work.action.inputs[0]["s3location"]
        revision = {
            "revisionType": "S3",
            "s3Location": {"bucket": place["bucket"], "key": place["key"], "bundleType": "zip"},
        }
        names = {
            "applicationName": work.configuration["ApplicationName"],
            "deploymentGroupName": work.configuration["DeploymentGroupName"],
        }
        client.register_application_revision(applicationName=names["applicationName"], revision=revision)
        note = f"CodePipeline {work.action.pipeline}, execution {work.action.execution}, action {work.action.id}"
        started = client.create_deployment(**names, revision=revision, description=note)["deploymentId"]
        work.note(external_id=started, watch=started)
        work.action.url = links.deployment(work.call.region, started)
    found = client.get_deployment(deploymentId=work.action.external_id)["deploymentInfo"]
    if found["status"] in _RUNNING:
        return LOOK_AGAIN
    if found["status"] != "Succeeded":
        error = found.get("errorInformation", {})
        message = error.get("message") or f"The deployment ended with the status {found['status']}"
        raise Failed("JobFailed", f"Deployment {work.action.external_id} failed. {message}")
    work.action.summary = "Deployment Succeeded"
    return True
