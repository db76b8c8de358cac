"""Stop, start, reboot, terminate (User Guide: "Amazon EC2 instance state changes")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ec2.base import (
    Instance,
    Params,
    change_state,
    instances_named,
    on_instances,
    operation,
)
from labsupport.cloud.services.ec2.describing import state


@operation(on=on_instances)
def terminate_instances(call: Call, params: Params) -> Params:
    found = instances_named(call, params["InstanceIds"])
    for instance in found:
        if instance.protected and instance.alive:
            message = (
                f"The instance '{instance.id}' may not be terminated. Modify its 'disableApiTermination' instance "
                "attribute and try again."
            )
            raise AwsError("OperationNotPermitted", message, 400)
    changes = [_ask(call, one, "shutting-down", one.alive) for one in found]
    return {"TerminatingInstances": changes}


@operation(on=on_instances)
def stop_instances(call: Call, params: Params) -> Params:
    if params.get("Hibernate"):
        raise not_simulated("Hibernation")
    found = instances_named(call, params["InstanceIds"])
    for instance in found:
        if instance.state in ("shutting-down", "terminated"):
            raise _incorrect(instance, "stopped")
    return {"StoppingInstances": [_ask(call, one, "stopping", one.state in ("pending", "running")) for one in found]}


@operation(on=on_instances)
def start_instances(call: Call, params: Params) -> Params:
    found = instances_named(call, params["InstanceIds"])
    for instance in found:
        if instance.state not in ("stopped", "running", "pending"):
            raise _incorrect(instance, "started")
    return {"StartingInstances": [_ask(call, one, "pending", one.state == "stopped") for one in found]}


@operation(on=on_instances)
def reboot_instances(call: Call, params: Params) -> Params:
    found = instances_named(call, params["InstanceIds"])
    for instance in found:
        if instance.state != "running":
            raise _incorrect(instance, "rebooted")
    for instance in found:
        instance.rebooting = True
        call.store.put(instance)
        call.start("advance", instance.id)
    return {}


def _incorrect(instance: Instance, what: str) -> AwsError:
    message = f"The instance '{instance.id}' is not in a state from which it can be {what}."
    return AwsError("IncorrectInstanceState", message, 400)


def _ask(call: Call, instance: Instance, towards: str, needed: bool) -> Params:
    """Begin a change of state, unless it is there or on its way already."""
    before = instance.state
    if needed:
        _explain(call, instance, towards)
        change_state(call, instance, towards)
        call.start("advance", instance.id)
    return {"InstanceId": instance.id, "PreviousState": state(before), "CurrentState": state(instance.state)}


def _explain(call: Call, instance: Instance, towards: str) -> None:
    if towards == "pending":
        instance.reason, instance.transition, instance.launched = ("", ""), "", call.epoch
        return
    code = "Client.UserInitiatedShutdown"
    instance.reason = (code, f"{code}: User initiated shutdown")
    instance.transition = f"User initiated ({call.now:%Y-%m-%d %H:%M:%S} GMT)"
