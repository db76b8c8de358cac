"""The `permissions` of an AppSpec: owner, group, mode, ACLs and SELinux context of installed files. Pure."""

import re
from dataclasses import dataclass

from labsupport.agent.appspec_reading import Entry

TYPES = ("file", "directory")
_UPDATE = "Update the permissions section of the AppSpec file, and then try again"
_ACL_KINDS = {
    "u": "user",
    "user": "user",
    "g": "group",
    "group": "group",
    "m": "mask",
    "mask": "mask",
    "o": "other",
    "other": "other",
}
_RANGE = re.compile(r"s(\d{1,4})(?:-s(\d{1,4}))?(?::(.+))?")
_CATEGORIES = re.compile(r"c(\d{1,4})(?:\.c(\d{1,4}))?")


@dataclass(frozen=True)
class Context:
    type: str
    user: str | None = None
    range: str | None = None


@dataclass(frozen=True)
class Permission:
    """What to set on `object` and on what it holds by `pattern`, but for `except_`. None leaves as it is."""

    object: str
    pattern: str = "**"
    except_: tuple[str, ...] = ()
    types: tuple[str, ...] = TYPES
    owner: str | None = None
    group: str | None = None
    mode: int | None = None
    acls: tuple[str, ...] = ()
    context: Context | None = None


def parse_permissions(top: Entry, system: str) -> tuple[Permission, ...]:
    """Raises AppspecError."""
    return tuple(_permission(entry, system) for entry in top.listed("permissions"))


def _permission(entry: Entry, system: str) -> Permission:
    named = entry.get("object") if isinstance(entry.value, dict) else None
    if named is None or not named.text().strip():
        raise entry.error(f"a permission listed in the application specification file has no object value. {_UPDATE}")
    if system != "linux":
        raise entry.error(
            "the application specification file specifies file permissions, but the deployment is targeting one or "
            f"more Windows Server instances. Permissions are supported only for Linux instances. {_UPDATE}"
        )
    entry.known("object", "pattern", "except", "owner", "group", "mode", "acls", "context", "type")
    mode, context, pattern = entry.get("mode"), entry.get("context"), entry.get("pattern")
    return Permission(
        object=named.text().strip(),
        pattern=pattern.text() if pattern else "**",
        except_=tuple(item.text() for item in entry.listed("except")),
        types=tuple(_type(item) for item in entry.listed("type")) or TYPES,
        owner=_text(entry, "owner"),
        group=_text(entry, "group"),
        mode=_mode(mode) if mode else None,
        acls=tuple(_acl(item) for item in entry.listed("acls")),
        context=_context(context) if context else None,
    )


def _text(entry: Entry, key: str) -> str | None:
    found = entry.get(key)
    return found.text() if found else None


def _type(entry: Entry) -> str:
    if entry.text() not in TYPES:
        raise entry.error(
            "the application specification file specifies a permission for an object type not supported for "
            f"permissions ({entry.text()}). {_UPDATE}"
        )
    return entry.text()


def _mode(entry: Entry) -> int:
    written = entry.text()
    if not 1 <= len(written) <= 4:
        raise entry.error(
            f"the length of a permissions mode ({written}) in the application specification file is invalid. "
            f"Permissions modes must be between one and four characters long. {_UPDATE}"
        )
    wrong = next((char for char in written if char not in "01234567"), None)
    if wrong is not None:
        raise entry.error(
            f"the permissions mode ({written}) in the application specification file contains an invalid character "
            f"({wrong}). {_UPDATE}"
        )
    return int(written, 8)


def _acl(entry: Entry) -> str:
    """An entry `[default:][kind:][name]:rights` in its long form; unnamed entries are what `mode` is for."""
    written = entry.text()
    invalid = entry.error(
        "of a problem with the acls permission settings in the application specification file. Invalid acl entry "
        f"({written})"
    )
    *head, rights = written.split(":")
    default = bool(head) and head[0] in ("d", "default")
    head = head[1:] if default else head
    if not 1 <= len(head) <= 2:
        raise invalid
    kind, name = _kind_and_name(head)
    if kind is None or (kind in ("mask", "other") and name):
        raise invalid
    if not default and kind != "mask" and not name:
        raise entry.error(
            "of a problem with the acls permission settings in the application specification file. Use mode to set "
            f"the base acl entry ({written}). {_UPDATE}"
        )
    return f"{'default:' if default else ''}{kind}:{name}:{_rights(entry, rights)}"


def _kind_and_name(head: list[str]) -> tuple[str | None, str]:
    if len(head) == 2:
        return _ACL_KINDS.get(head[0]), head[1]
    if head[0] in ("m", "mask", "o", "other"):
        return _ACL_KINDS[head[0]], ""
    return "user", head[0]


def _rights(entry: Entry, rights: str) -> str:
    if len(rights) == 1 and rights in "01234567":
        return "".join(letter if int(rights) & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
    wrong = next((char for char in rights if char not in "rwx-"), None)
    if wrong is not None:
        raise entry.error(
            f"the access control list (ACL) named {entry.text()} in the application specification file contains an "
            f"invalid character ({wrong}). Correct the ACL in the hooks section of the AppSpec file, and then try again"
        )
    return "".join(letter if letter in rights else "-" for letter in "rwx")


def _context(entry: Entry) -> Context:
    kind = entry.get("type") if isinstance(entry.value, dict) else None
    if kind is None:
        raise entry.error(f"the application specification file specifies an invalid context type. {_UPDATE}")
    entry.known("user", "name", "type", "range")
    span = entry.get("range")
    return Context(kind.text(), _text(entry, "user") or _text(entry, "name"), _range(span) if span else None)


def _range(entry: Entry) -> str:
    match = _RANGE.fullmatch(entry.text())
    good = bool(match) and int(match[2] or match[1]) >= int(match[1]) if match else False
    if not good or (match and match[3] and not all(_category(part) for part in match[3].split(","))):
        raise entry.error(
            f"of a problem with the SELinux range specified ({entry.text()}) for the context parameter in the "
            "permissions section of the application specification file. Make corrections in the permissions section "
            "of the AppSpec file, and then try again"
        )
    return entry.text()


def _category(part: str) -> bool:
    match = _CATEGORIES.fullmatch(part)
    return bool(match) and int(match[1]) <= int(match[2] or match[1]) <= 1023 if match else False
