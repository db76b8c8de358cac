"""A commit's files as a table that can be changed, and written as a new tree."""

from typing import NamedTuple

import pygit2

from labsupport.cloud.core.errors import AwsError

_SUBMODULE = int(pygit2.enums.FileMode.COMMIT)
KEEP = ".gitkeep"


class File(NamedTuple):
    blob: str
    mode: int


class Files:
    """All files of a tree by their paths. Nothing is written to the repository before `write`."""

    def __init__(self, git: pygit2.Repository, tree: pygit2.Tree | None) -> None:
        self.git = git
        self._index = pygit2.Index()
        if tree is not None:
            self._index.read_tree(tree)
        self.files = {entry.path: File(str(entry.id), int(entry.mode)) for entry in self._index}

    def get(self, path: str) -> File:
        """The file at a path; submodules are none."""
        found = self.files.get(path)
        if found is None or found.mode == _SUBMODULE:
            raise AwsError("FileDoesNotExistException", f"Could not find path {path}")
        return found

    def put(self, path: str, file: File) -> None:
        self._check_way(path)
        self.files[path] = file
        self._index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=file.blob), pygit2.enums.FileMode(file.mode)))

    def delete(self, path: str, keep_folders: bool = False) -> File:
        """Take a file out. A folder that it leaves empty goes too, unless it is kept by a file `.gitkeep`."""
        found = self.get(path)
        del self.files[path]
        self._index.remove(path)
        folder = path.rpartition("/")[0]
        if keep_folders and folder and not any(other.startswith(f"{folder}/") for other in self.files):
            empty = str(self.git.create_blob(b""))
            self.put(f"{folder}/{KEEP}", File(empty, int(pygit2.enums.FileMode.BLOB)))
        return found

    def write(self) -> pygit2.Oid:
        return self._index.write_tree(self.git)

    def _check_way(self, path: str) -> None:
        """A name can't be a file's and a folder's at once."""
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            above = "/".join(parts[:length])
            there = self.files.get(above)
            if there is not None and there.mode == _SUBMODULE:
                raise AwsError("FilePathConflictsWithSubmodulePathException", f"{above} is a submodule.")
            if there is not None and above != path:
                message = f"{above} is a file, so it can't be the folder of {path}."
                raise AwsError("DirectoryNameConflictsWithFileNameException", message)
        if any(other.startswith(f"{path}/") for other in self.files):
            message = f"{path} is a folder, so it can't be the name of a file."
            raise AwsError("FileNameConflictsWithDirectoryNameException", message)
