"""GetWebIdentityToken: a signed token that says who one is, for services elsewhere; and the keys to check it by
(IAM User Guide: "Understanding token claims")."""

import json
from typing import Any

from labsupport.cloud.core import ids, outbound
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.core.identity import Role, User
from labsupport.cloud.core.organization import Membership
from labsupport.cloud.core.outbound import Issuer
from labsupport.cloud.services.sts.base import Params, invalid, service, time
from labsupport.cloud.services.sts.limits import session_tags

_USUAL = 300  # seconds
_AWS = "https://sts.amazonaws.com/"


def _conditions(_: Call, params: Params) -> Params:
    return {
        "sts:identitytokenaudience": params["Audience"],
        "sts:durationseconds": str(params.get("DurationSeconds", _USUAL)),
        "sts:signingalgorithm": params["SigningAlgorithm"],
    }


@service.operation(context=_conditions)
def get_web_identity_token(call: Call, params: Params) -> Params:
    import jwt

    issuer = _issuer(call)
    if params["SigningAlgorithm"] not in issuer.sealed:
        raise invalid("The signing algorithm must be RS256 or ES384.")
    tags = session_tags(params)
    if tags:
        call.authorise("sts:TagGetWebIdentityToken", "*", {"aws:tagkeys": list(tags)})
    now = int(call.cloud.clock.true_epoch())
    expires = now + _seconds(call, params)
    claims = {
        "iss": outbound.url_of(call.cloud, issuer),
        "aud": params["Audience"][0] if len(params["Audience"]) == 1 else params["Audience"],
        "sub": call.caller.role_arn or call.caller.arn,
        "iat": now,
        "exp": expires,
        "jti": ids.uuid4(),
        _AWS: _about(call, tags),
    }
    algorithm = params["SigningAlgorithm"]
    key = outbound.key_of(call.cloud, issuer, algorithm)
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": _key_id(issuer, algorithm)})
    return {"WebIdentityToken": token, "Expiration": time(expires)}


def _issuer(call: Call) -> Issuer:
    found = call.store.get(Issuer, call.caller.account)
    if found is None or not found.enabled:
        message = "Outbound web identity federation is not enabled for this account."
        raise AwsError("OutboundWebIdentityFederationDisabledException", message, 403)
    return found


def _seconds(call: Call, params: Params) -> int:
    """A token does not outlive the session that asks for it."""
    seconds: int = params.get("DurationSeconds", _USUAL)
    if call.caller.session and call.epoch + seconds > call.caller.session.expires:
        message = "The requested token duration would exceed the remaining lifetime of the session."
        raise AwsError("SessionDurationEscalationException", message, 403)
    return seconds


def _about(call: Call, tags: dict[str, str]) -> dict[str, Any]:
    """The claims that are AWS's own."""
    found: dict[str, Any] = {"aws_account": call.caller.account, "source_region": call.region}
    place = call.store.get(Membership, call.caller.account)
    if place is not None:
        found |= {"org_id": place.organization, "ou_path": place.path}
    principal_tags = _principal_tags(call)
    if principal_tags:
        found["principal_tags"] = principal_tags
    if call.caller.session and call.caller.session.source_identity:
        found["source_identity"] = call.caller.session.source_identity
    return {**found, "request_tags": tags} if tags else found


def _principal_tags(call: Call) -> dict[str, str]:
    caller = call.caller
    holder: Role | User | None = None
    if caller.role:
        holder = call.store.get(Role, caller.account, caller.role)
    elif caller.kind == "user":
        holder = call.store.get(User, caller.account, caller.name)
    return {**(holder.tags if holder else {}), **(caller.session.tags if caller.session else {})}


# Where others get the keys


def _key_id(issuer: Issuer, algorithm: str) -> str:
    return f"{algorithm}-{issuer.id[:8]}"


async def route(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """An issuer's discovery document and its public keys, for anybody."""
    number, _, path = request.raw_path.removeprefix(outbound.PATH).partition("/")
    issuer = next((one for one in cloud.store.list(Issuer) if one.id == number), None)
    pages = {".well-known/openid-configuration": _discovery, ".well-known/jwks.json": _keys}
    if issuer is None or path not in pages or request.method != "GET":
        return HttpResponse(404, {"content-type": "application/json"}, b"{}")
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps(pages[path](cloud, issuer)).encode())


def _discovery(cloud: Cloud, issuer: Issuer) -> dict[str, Any]:
    url = outbound.url_of(cloud, issuer)
    return {
        "issuer": url,
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted(issuer.sealed),
    }


def _keys(cloud: Cloud, issuer: Issuer) -> dict[str, Any]:
    return {"keys": [_public(cloud, issuer, algorithm) for algorithm in issuer.sealed]}


def _public(cloud: Cloud, issuer: Issuer, algorithm: str) -> dict[str, Any]:
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    public: Any = outbound.key_of(cloud, issuer, algorithm).public_key()
    kind: Any = RSAAlgorithm if algorithm == "RS256" else ECAlgorithm
    found: dict[str, Any] = json.loads(kind.to_jwk(public))
    return {**found, "kid": _key_id(issuer, algorithm), "use": "sig", "alg": algorithm}


service.route = route
