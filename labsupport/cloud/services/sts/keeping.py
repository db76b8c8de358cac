"""Sessions are forgotten some time after they have expired."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Session
from labsupport.cloud.services.sts.base import SWEEP, service


@service.task("sweep")
async def sweep(call: Call, _: str) -> float | None:
    """Forget sessions that expired a day ago, so that they don't add up; again as long as there are any."""
    with call.transaction():
        sessions = list(call.store.list(Session))
        old = [one for one in sessions if one.expires < call.epoch - SWEEP]
        for session in old:
            call.store.delete(session)
    return SWEEP if len(old) < len(sessions) else None
