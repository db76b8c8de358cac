"""CodeBuild's file patterns: the examples of AWS's reference, and what tries to get out of the folder."""

import os
import time

import pytest

from labsupport.files.globs import PatternError, bases, matches, select

TREE = [
    "appspec.yml",
    ".env",
    ".ebextensions/x.config",
    "target/app.jar",
    "target/lib/dep.jar",
    "target/notes.txt",
    "src/main/App.java",
    "src/.git/config",
    "my-build1/my-file1.txt",
    "my-build2/my-file2.txt",
    "my-build2/my-subdirectory/my-file3.txt",
    "a[1].txt",
    "é/ü.txt",
]


@pytest.fixture
def folder(tmp_path):
    for name in TREE:
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "work"


@pytest.mark.parametrize(
    ("files", "options", "names"),
    [
        (["**/*"], {}, sorted(TREE)),
        (["**"], {}, sorted(TREE)),
        (["appspec.yml"], {}, ["appspec.yml"]),
        (["./appspec.yml", "appspec.yml"], {}, ["appspec.yml"]),
        (["target/app.jar", "missing.txt"], {}, ["target/app.jar"]),
        (["target/*"], {}, ["target/app.jar", "target/notes.txt"]),
        (["target/*.jar"], {}, ["target/app.jar"]),
        (["target/**/*"], {}, ["target/app.jar", "target/lib/dep.jar", "target/notes.txt"]),
        (["target/**"], {}, ["target/app.jar", "target/lib/dep.jar", "target/notes.txt"]),
        (["target/**/*.jar"], {}, ["target/app.jar", "target/lib/dep.jar"]),
        (["**/*.jar"], {}, ["target/app.jar", "target/lib/dep.jar"]),
        (["**.jar"], {}, ["target/app.jar", "target/lib/dep.jar"]),
        (["targ**"], {}, ["target/app.jar", "target/lib/dep.jar", "target/notes.txt"]),
        (["*/my-file?.txt"], {}, ["my-build1/my-file1.txt", "my-build2/my-file2.txt"]),
        (["my-build[!1]/*"], {}, ["my-build2/my-file2.txt"]),
        (["my-build[^1]/*"], {}, ["my-build2/my-file2.txt"]),
        (["target/{app,notes}.{jar,txt}"], {}, ["target/app.jar", "target/notes.txt"]),
        (["*"], {}, [".env", "a[1].txt", "appspec.yml"]),
        (["target"], {}, []),
        (["target/"], {}, []),
        (["."], {}, []),
        ([""], {}, []),
        (["/"], {"base_directory": "target"}, PatternError),
        (["**/ü.txt"], {}, ["é/ü.txt"]),
        # The three examples of the reference's base-directory.
        (["*/my-file3.txt"], {"base_directory": "my-build2"}, ["my-subdirectory/my-file3.txt"]),
        (
            ["**/*"],
            {"base_directory": "my-build*", "discard_paths": True},
            ["my-file1.txt", "my-file2.txt", "my-file3.txt"],
        ),
        (["**/*"], {"base_directory": "my-build1"}, ["my-file1.txt"]),
        (
            ["**/*"],
            {"base_directory": "my-build{1,2}"},
            ["my-file1.txt", "my-file2.txt", "my-subdirectory/my-file3.txt"],
        ),
        (["**/*"], {"base_directory": "./target/lib/"}, ["dep.jar"]),
        (["**/*"], {"base_directory": "missing"}, []),
        (["**/*"], {"base_directory": "appspec.yml"}, []),
        (["*.jar"], {"base_directory": "target", "discard_paths": True}, ["app.jar"]),
        (["target/**/*"], {"exclude": ["target/lib/**/*"]}, ["target/app.jar", "target/notes.txt"]),
        (["target/**/*"], {"exclude": ["**/*.jar"]}, ["target/notes.txt"]),
        (["target/**/*"], {"exclude": ["*.jar"]}, ["target/app.jar", "target/lib/dep.jar", "target/notes.txt"]),
        (["target/**/*"], {"exclude": ["**/notes.txt/**/*"]}, ["target/app.jar", "target/lib/dep.jar"]),
        (["src/**/*", ".e*"], {"exclude": ["**/.*/**/*"]}, ["src/main/App.java"]),
        (["src/**/*", ".e*"], {"exclude": ["**/.*"]}, ["src/.git/config", "src/main/App.java"]),
        (["target/**/*"], {"exclude": ["**/*"]}, []),
        (["target/**/*"], {"base_directory": "target", "exclude": ["lib"]}, []),
        (["**/*"], {"base_directory": "target", "exclude": ["./lib/**"]}, ["app.jar", "notes.txt"]),
    ],
)
def test_patterns(folder, files, options, names):
    if names is PatternError:
        with pytest.raises(PatternError):
            select(folder, files, **options)
        return
    chosen = select(folder, files, **options)
    assert [name for _, name in chosen] == names
    for path, name in chosen:
        assert path.read_text().endswith(name)


def test_absolute_patterns_within_the_folder(folder):
    assert [name for _, name in select(folder, [f"{folder}/target/*.jar"])] == ["target/app.jar"]
    assert [name for _, name in select(folder, [f"{folder}/target/app.jar"], str(folder / "target"))] == ["app.jar"]
    assert [name for _, name in select(folder, ["*.yml"], str(folder))] == ["appspec.yml"]
    assert bases(folder, str(folder)) == [folder]


@pytest.mark.parametrize(
    ("files", "options", "cause"),
    [
        (["../secret"], {}, r"\.\./secret: the path leaves the folder"),
        (["target/../../secret"], {}, "leaves the folder"),
        (["/etc/passwd"], {}, "/etc/passwd: the path is outside the folder"),
        (["/**/*"], {}, "outside the folder"),
        (["*"], {"base_directory": ".."}, "leaves the folder"),
        (["*"], {"base_directory": "/etc"}, "outside the folder"),
        (["{a,b}" * 20], {}, "more than 256 patterns"),
    ],
)
def test_patterns_that_are_refused(folder, files, options, cause):
    with pytest.raises(PatternError, match=cause):
        select(folder, files, **options)


def test_links_are_followed_inside_and_never_outside(folder):
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    (folder / "in.txt").symlink_to("appspec.yml")
    (folder / "out.txt").symlink_to(outside / "secret")
    (folder / "gone.txt").symlink_to("nothing")
    (folder / "out-folder").symlink_to(outside)
    (folder / "in-folder").symlink_to("target")
    (folder / "target/loop").symlink_to("..")
    names = [name for _, name in select(folder, ["*.txt", "*-folder/*", "out-folder/secret", "in-folder/app.jar"])]
    assert names == ["a[1].txt", "in-folder/app.jar", "in-folder/notes.txt", "in.txt"]
    assert select(folder, ["secret"], "out-folder") == []
    assert "out-folder/secret" not in [name for _, name in select(folder, ["**/*"])]


def test_links_are_kept_as_links_when_asked(folder):
    (folder / "in.txt").symlink_to("appspec.yml")
    (folder / "in-folder").symlink_to("target")
    (folder / "out").symlink_to("/etc")
    names = [name for _, name in select(folder, ["**/*"], links=True)]
    assert {"in.txt", "in-folder"} <= set(names)
    assert not [name for name in names if name.startswith(("in-folder/", "out"))]


def test_only_files_are_selected(folder):
    os.mkfifo(folder / "pipe")
    assert "pipe" not in [name for _, name in select(folder, ["*", "pipe"])]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("**/*", "a", True),
        ("**/*", "a/b/c", True),
        ("*", "a/b", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/x/c", False),
        ("**/a/**/b/**", "x/a/y/b/z", True),
        ("a?c", "a/c", False),
        ("[", "[", True),
        ("a{b", "a{b", True),
        ("{a,{b,c}}d", "cd", True),
    ],
)
def test_matches(pattern, name, expected):
    assert matches(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/" * 60 + "b", "**a" * 40 + "b", "{" * 1000 + "," * 100])
def test_no_pattern_takes_long(pattern):
    before = time.process_time()
    try:
        matches(pattern, "/".join(["a" * 200] * 40))
    except PatternError:
        pass
    assert time.process_time() - before < 2
