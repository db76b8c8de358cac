"""Reading files and folders of a commit."""

import pygit2

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import objects, storage
from labsupport.cloud.services.codecommit.base import REPOSITORY, Params, is_full_id, service, wanted
from labsupport.cloud.services.codecommit.objects import LARGEST_FILE


@service.operation(on=REPOSITORY)
async def get_file(call: Call, params: Params) -> Params:
    repository = wanted(call, params)
    commit = objects.commit_named(await storage.opened(call, repository), repository, params.get("commitSpecifier"))
    path = objects.plain_path(params["filePath"])
    blob = objects.entry_at(commit, path)
    if not isinstance(blob, pygit2.Blob):
        raise AwsError("FileDoesNotExistException", f"Could not find path {path}")
    _refuse_large(blob)
    return {
        "commitId": str(commit.id),
        "blobId": str(blob.id),
        "filePath": path,
        "fileMode": objects.mode_name(blob.filemode),
        "fileSize": blob.size,
        "fileContent": blob.data,
    }


@service.operation(on=REPOSITORY)
async def get_blob(call: Call, params: Params) -> Params:
    git, blob_id = await storage.opened(call, wanted(call, params)), params["blobId"]
    if not is_full_id(blob_id):
        raise AwsError("InvalidBlobIdException", f"{blob_id} is not the full id of a blob.")
    blob = git.get(blob_id)
    if not isinstance(blob, pygit2.Blob):
        raise AwsError("BlobIdDoesNotExistException", f"Blob {blob_id} does not exist")
    _refuse_large(blob)
    return {"content": blob.data}


def _refuse_large(blob: pygit2.Blob) -> None:
    if blob.size > LARGEST_FILE:
        message = f"The file has {blob.size} bytes; the API gives files of at most {LARGEST_FILE}. git gives any."
        raise AwsError("FileTooLargeException", message)


@service.operation(on=REPOSITORY)
async def get_folder(call: Call, params: Params) -> Params:
    """What stands in one folder, not in those below it."""
    repository = wanted(call, params)
    commit = objects.commit_named(await storage.opened(call, repository), repository, params.get("commitSpecifier"))
    path = objects.folder_path(params["folderPath"])
    tree = objects.entry_at(commit, path)
    if not isinstance(tree, pygit2.Tree):
        raise AwsError("FolderDoesNotExistException", f"Could not find path {path}")
    found: Params = {"commitId": str(commit.id), "folderPath": path, "treeId": str(tree.id)}
    lists: dict[str, list[Params]] = {"subFolders": [], "files": [], "symbolicLinks": [], "subModules": []}
    for entry in tree:
        kind, shown = _listed(entry, path)
        lists[kind].append(shown)
    return {**found, **lists}


def _listed(entry: pygit2.Object, folder: str) -> tuple[str, Params]:
    """An entry and the list that it belongs to."""
    places = {"absolutePath": f"{folder}/{entry.name}" if folder else entry.name, "relativePath": entry.name}
    if entry.filemode == pygit2.enums.FileMode.TREE:
        return "subFolders", {"treeId": str(entry.id), **places}
    if entry.filemode == pygit2.enums.FileMode.COMMIT:
        return "subModules", {"commitId": str(entry.id), **places}
    kind = "symbolicLinks" if entry.filemode == pygit2.enums.FileMode.LINK else "files"
    return kind, {"blobId": str(entry.id), **places, "fileMode": objects.mode_name(entry.filemode)}
