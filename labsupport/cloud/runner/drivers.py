"""The scripts that make a shell run one command after another. `FOLDER` stands for the shell's own folder, quoted.

The shell reads a line from the pipe `control` for each command, runs the file `script` in itself, and writes the
exit status to the pipe `results`; so what a command prints is never mistaken for anything. Descriptors 7, 8 and 9
are closed while a command runs, so that nothing it leaves behind holds them. After each command, and at the
end if a command ends the shell (`exit`, `set -e`), the shell's state is written down for a next shell.
`set -e`, `set -x` and a redirected output hold for one command only, as they do in CodeBuild.
"""

import shlex
from pathlib import Path

_BASH = r"""
__lab_save() {
  {
    printf 'cd -- %q\n' "${PWD:-.}"
    declare -p
    declare -f
    declare -Fx
    shopt -p
    set +o
    alias -p
    umask -p
    printf '# complete\n'
  } >| FOLDER/state 2>/dev/null
}
__lab_done() {
  set +ex +v
  __lab_save
  printf '%s\n' "$1" >&8
}
exec 7<FOLDER/control 8>FOLDER/results 9>&1
if [ -f FOLDER/restore ]; then . FOLDER/restore >/dev/null 2>&1 7<&- 8>&- 9>&-; set +ex +v; fi
trap __lab_save EXIT
while read -r -u 7 _; do
  . FOLDER/script 7<&- 8>&- 9>&-
  { __lab_done "$?"; } 2>/dev/null
  exec 1>&9 2>&9
done
"""

# The plain shell cannot list its functions, so a next shell has the exported variables and the folder only.
_SH = r"""
__lab_save() {
  { pwd; } >| FOLDER/folder 2>/dev/null
  { export -p; umask -S | sed 's/^/umask /'; printf '# complete\n'; } >| FOLDER/state 2>/dev/null
}
__lab_done() {
  set +ex +v
  __lab_save
  printf '%s\n' "$1" >&8
}
exec 7<FOLDER/control 8>FOLDER/results 9>&1
if [ -f FOLDER/restore ]; then
  . FOLDER/restore >/dev/null 2>&1 7<&- 8>&- 9>&-
  IFS= read -r __lab_folder <FOLDER/folder && cd "$__lab_folder" 2>/dev/null
fi
trap __lab_save EXIT
while read -r __lab_go <&7; do
  . FOLDER/script 7<&- 8>&- 9>&-
  { __lab_done "$?"; } 2>/dev/null
  exec 1>&9 2>&9
done
"""

COMPLETE = b"# complete\n"


def driver(bash: bool, folder: Path) -> str:
    return (_BASH if bash else _SH).replace("FOLDER", shlex.quote(str(folder)))
