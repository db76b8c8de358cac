"""Functions: create, look up, list, change, delete."""

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions import configuring, environments, packages, sealing, shown
from labsupport.cloud.services.functions.base import (
    LATEST,
    LONGEST_NAME,
    PAGE,
    Alias,
    Function,
    Params,
    Settings,
    Version,
    bad_marker,
    check_revision,
    conflict,
    find_alias,
    find_function,
    find_version,
    function_named,
    invalid,
    named,
    not_found,
    on_function,
    on_qualified,
    service,
    settings_of,
    touched,
)
from labsupport.cloud.services.functions.versions import publish


@service.operation(on=on_function, passes=("Role",), tagging="lambda:TagResource")
async def create_function(call: Call, params: Params) -> Params:
    name = named(call, params)
    if len(name.function) > LONGEST_NAME:
        raise invalid(f"Function name {name.function} is longer than {LONGEST_NAME} characters")
    if name.account != call.account or name.region != call.region:
        raise invalid("A function is created in the account and the Region of the call")
    configuring.refuse_lacking(params)
    for required in ("Runtime", "Handler"):
        if not params.get(required):
            raise invalid(f"{required} is required for a function of the package type Zip")
    package = await packages.given(call, params["Code"])
    with call.transaction():
        if find_function(call, name):
            raise conflict(f"Function already exist: {name.function}")
        function = _new(call, name.function, package, params)
        call.store.put(function)
        version, settings = publish(call, function, params) if params.get("Publish") else (LATEST, function.settings)
        call.start("settle", function.name)
        answer = shown.configuration(call, function, settings, version, "" if version == LATEST else version)
        call.conclude(answer)
    return answer


def _new(call: Call, name: str, package: packages.Package, params: Params) -> Function:
    settings = Settings(
        runtime="", role="", handler="", code=packages.keep(call, package), size=len(package.data),
        sha256=package.sha256, modified=0.0, revision="",
    )  # fmt: skip
    function = Function(account=call.account, region=call.region, name=name, settings=settings)
    function.tags = checked_tags(params.get("Tags", {}))
    configuring.apply(call, function.arn, settings, params)
    touched(call, settings)
    return function


def checked_tags(found: dict[str, str]) -> dict[str, str]:
    too_many = invalid(f"A function can have at most {tags.MOST} tags.")
    tags.check(found, too_many, invalid("Tag keys that begin with aws: are reserved."))
    return found


@service.task("settle")
async def settle(call: Call, name: str) -> None:
    """A function that was created or changed is ready."""
    with call.transaction():
        function = call.store.get(Function, call.account, call.region, name)
        if function:
            function.created, function.updating = True, False
            call.store.put(function)


def _looked_up(call: Call, params: Params) -> tuple[Function, Settings, str, str]:
    """The function, the settings of what is asked for, its version, and the qualifier that was given."""
    name = named(call, params)
    function = function_named(call, name)
    version = name.qualifier
    if version and version != LATEST and not version.isdigit():
        alias = find_alias(call, function, version)
        if alias is None:
            raise not_found(f"Function not found: {name.arn}")
        version = alias.version
    return function, settings_of(call, function, version), version or LATEST, name.qualifier


@service.operation(on=on_qualified)
def get_function(call: Call, params: Params) -> Params:
    function, settings, version, qualifier = _looked_up(call, params)
    found: Params = {
        "Configuration": shown.configuration(call, function, settings, version, qualifier),
        "Code": {"RepositoryType": "S3", "Location": packages.link(call, settings)},
    }
    if function.tags:
        found["Tags"] = function.tags
    if function.reserved is not None:
        found["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return found


@service.operation(on=on_qualified)
def get_function_configuration(call: Call, params: Params) -> Params:
    return shown.configuration(call, *_looked_up(call, params))


@service.operation()
def list_functions(call: Call, params: Params) -> Params:
    if params.get("MasterRegion") and params["MasterRegion"] not in ("ALL", call.region):
        return {"Functions": []}
    functions = call.store.list(Function, call.account, call.region)
    size = min(params.get("MaxItems", PAGE), PAGE)
    found, marker = paging.page(functions, lambda one: one.name, params.get("Marker"), size, bad_marker())
    every = params.get("FunctionVersion") == "ALL"
    listed = []
    for one in found:
        listed.append(shown.configuration(call, one, one.settings, qualified=LATEST if every else "", brief=True))
        for version in call.store.list(Version, one.account, one.region, one.name) if every else ():
            listed.append(shown.configuration(call, one, version.settings, version.name, version.name, brief=True))
    return {"Functions": listed, "NextMarker": marker}


def _changeable(call: Call, params: Params) -> Function:
    """The function, for a change of $LATEST."""
    name = named(call, params)
    function = function_named(call, name._replace(qualifier=""))
    if name.qualifier not in ("", LATEST):
        raise invalid("This operation changes $LATEST: a published version stays as it is")
    check_revision(params, function.settings.revision)
    if function.updating or not function.created:
        state = "The function is currently in the following state: Pending" if not function.created else (
            f"An update is in progress for resource: {function.arn}"
        )  # fmt: skip
        raise conflict(f"The operation cannot be performed at this time. {state}")
    return function


def _changed(call: Call, function: Function) -> None:
    touched(call, function.settings)
    function.updating = True
    call.store.put(function)
    call.start("settle", function.name)


@service.operation(on=on_function)
async def update_function_code(call: Call, params: Params) -> Params:
    configuring.refuse_lacking(params)
    package = await packages.given(call, params)
    with call.transaction():
        function = _changeable(call, params)
        settings, before = function.settings, function.settings.code
        settings.size, settings.sha256 = len(package.data), package.sha256
        if "Architectures" in params:
            settings.others = {**settings.others, "Architectures": params["Architectures"]}
        if params.get("DryRun"):
            answer = shown.configuration(call, function, settings)
        else:
            settings.code = packages.keep(call, package)
            _changed(call, function)
            _forget_unused(call, function, [before])
            version, made = publish(call, function, params) if params.get("Publish") else (LATEST, settings)
            answer = shown.configuration(call, function, made, version, "" if version == LATEST else version)
        call.conclude(answer)
    return answer


def _forget_unused(call: Call, function: Function, codes: list[str]) -> None:
    versions = call.store.list(Version, function.account, function.region, function.name)
    used = {function.settings.code, *(one.settings.code for one in versions)}
    for code in set(codes) - used:
        packages.forget(call, code)


@service.operation(on=on_function, passes=("Role",))
def update_function_configuration(call: Call, params: Params) -> Params:
    function = _changeable(call, params)
    configuring.apply(call, function.arn, function.settings, params)
    _changed(call, function)
    return shown.configuration(call, function, function.settings)


@service.operation(on=on_qualified)
def delete_function(call: Call, params: Params) -> Params:
    """The function with all that belongs to it, or one of its versions."""
    name = named(call, params)
    function = function_named(call, name)
    if not name.qualifier:
        _delete(call, function)
        return {"StatusCode": 204}
    version = find_version(call, function, name.qualifier) if name.qualifier.isdigit() else None
    if version is None:
        if name.qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        raise not_found(f"Function not found: {name.arn}")
    for alias in call.store.list(Alias, function.account, function.region, function.name):
        if version.name in (alias.version, *alias.weights):
            raise conflict(f"Version {version.name} cannot be deleted: the alias {alias.name} points to it.")
    call.store.delete(version)
    function.policies.pop(version.name, None)
    function.asynchronous.pop(version.name, None)
    call.store.put(function)
    _forget_unused(call, function, [version.settings.code])
    return {"StatusCode": 204}


def _delete(call: Call, function: Function) -> None:
    place = function.account, function.region, function.name
    versions = list(call.store.list(Version, *place))
    for settings in (function.settings, *(one.settings for one in versions)):
        sealing.revoke(call, settings)
        packages.forget(call, settings.code)
    for one in (*versions, *call.store.list(Alias, *place), function):
        call.store.delete(one)
    environments.forget(call.cloud, function.arn)
