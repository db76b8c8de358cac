"""The lab's mailbox: where email that the cloud sends arrives, and stays to be read."""

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.store.record import record


@record("mail.message", key=("account", "id"))
class Mail(msgspec.Struct, kw_only=True):
    """One message. `id` begins with its time, so that messages list in the order they came."""

    account: str
    id: str
    to: str
    sender: str
    subject: str
    body: str
    time: float


def send(call: Call, account: str, to: str, sender: str, subject: str, body: str) -> Mail:
    """Put a message into the mailbox of an account, in the call's transaction."""
    came = call.cloud.clock.epoch()  # not the call's: it may send several
    mail = Mail(
        account=account,
        id=f"{int(came * 1_000_000):020d}-{ids.short_id(length=6)}",
        to=to,
        sender=sender,
        subject=subject,
        body=body,
        time=came,
    )
    call.store.put(mail)
    return mail
