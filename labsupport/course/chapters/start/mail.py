"""start.4: a topic, and a subscription that its owner has confirmed."""

from typing import Any

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
)

ADDRESS = "learner@example.com"
SHOW = "`aws sns list-subscriptions` lists them."
TOPIC = """\
topic=$(aws sns list-topics --output text \\
    --query "Topics[?ends_with(TopicArn, ':shop-approvals')].TopicArn")
"""


def _subscriptions(world: World) -> list[dict[str, Any]]:
    sns = world.client("sns")
    topics = [one["TopicArn"] for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith(":shop-approvals")]
    found: list[dict[str, Any]] = []
    for topic in topics:
        found += sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return found


@expect(f"`{ADDRESS}` is subscribed to the topic `shop-approvals` by email")
def subscribed(world: World) -> Finding:
    there = _subscriptions(world)
    mine = [one for one in there if (one["Protocol"], one["Endpoint"]) == ("email", ADDRESS)]
    if mine:
        return holds("protocol email")
    if there:
        other = there[0]
        return not_right(
            f"Subscribed is {other['Endpoint']}, by {other['Protocol']}.",
            f"The protocol has to be email, the endpoint {ADDRESS}. {SHOW}",
        )
    return not_yet("The topic has no subscription.", f"`aws sns subscribe help` says how. {SHOW}")


@expect("the subscription is confirmed")
def confirmed(world: World) -> Finding:
    mine = [one for one in _subscriptions(world) if one["Endpoint"] == ADDRESS and one["Protocol"] == "email"]
    if not mine:
        return not_yet("There is no subscription to confirm yet.", SHOW)
    arns = [one["SubscriptionArn"] for one in mine if one["SubscriptionArn"] != "PendingConfirmation"]
    if arns:
        return holds(arns[0])
    return not_right(
        "It waits for its confirmation (PendingConfirmation), and until then nothing is sent to it.",
        "Read the mail: `lab.mailbox()` shows it. Open its link, or hand the link's Token to "
        "`aws sns confirm-subscription --topic-arn … --token …`.",
    )


SUBSCRIBE = f'{TOPIC}aws sns subscribe --topic-arn "$topic" --protocol email --notification-endpoint {ADDRESS}\n'

EXERCISE = Exercise(
    id="start.4",
    title="Somebody has to be told",
    task=f"""
Later the pipeline will ask for an approval, and tell the SNS topic **`shop-approvals`**. So far nobody listens.

1. find the topic's ARN (`aws sns list-topics`),
2. subscribe **`{ADDRESS}`** to it, with the protocol **`email`** (`aws sns subscribe`),
3. a mail comes to the lab's mailbox: read it with `lab.mailbox()`, and do what it asks for.
""",
    objectives=("DVA-C02 1.1", "DOP-C02 4.3", "DOP-C02 5.1"),
    hints=(
        "`aws sns subscribe` answers `pending confirmation`: the address's owner has to agree first.",
        "Anybody could subscribe your address, so SNS mails a link with a token to it. Following the link calls "
        "ConfirmSubscription; only then are messages sent.",
        "The mailbox has a button that follows the link. Or copy the link into a browser; or copy what is between "
        "`Token=` and `&` in it into `aws sns confirm-subscription --topic-arn … --token …`.",
    ),
    check=(subscribed, confirmed),
    solutions=(
        Solution(
            "boto3, and the link in the mail",
            python(
                "import re, time, urllib.request\n"
                "from labsupport import home, lab, mailbox\n\n"
                'sns = lab.client("sns")\n'
                'topics = [one["TopicArn"] for one in sns.list_topics()["Topics"]]\n'
                'topic = next(arn for arn in topics if arn.endswith(":shop-approvals"))\n'
                f'sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="{ADDRESS}")\n'
                "time.sleep(0.5)                     # the mail is on its way\n"
                f'newest = mailbox.messages(home.folder(), to="{ADDRESS}")[0]\n'
                'link = re.search(r"http://\\S+ConfirmSubscription\\S+", newest["body"]).group()\n'
                "urllib.request.urlopen(link).close()\n"
            ),
            "Who reads the mail can confirm, nobody else. Until then the subscription's ARN is `PendingConfirmation`.",
        ),
    ),
    wrong=(
        Wrong("unconfirmed", bash(SUBSCRIBE), Outcome.NOT_RIGHT, "PendingConfirmation"),
        Wrong(
            "protocol",
            python(
                "from labsupport import lab\n\n"
                'sns = lab.client("sns")\n'
                'topic = sns.create_topic(Name="shop-approvals")["TopicArn"]\n'
                f'sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="{ADDRESS}")\n'
            ),
            Outcome.NOT_RIGHT,
            "PendingConfirmation",
        ),
    ),
    breaks=(
        python(
            "from labsupport import lab\n\n"
            'sns = lab.client("sns")\n'
            'for one in sns.list_subscriptions()["Subscriptions"]:\n'
            f'    if one["Endpoint"] == "{ADDRESS}" and one["SubscriptionArn"].startswith("arn:"):\n'
            '        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])\n'
        ),
    ),
)
