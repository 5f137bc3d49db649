"""Writes compile_commands.json for editors and clang-tidy.

Asks Bazel for the command line of every compilation, so that it says what is really
built. Run it as `third_party/bazel run //tests/house:compile_commands`.
"""

import json
import os
import subprocess
import sys


def main():
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        sys.exit("compile_commands: run it with `third_party/bazel run`")
    wrapper = os.path.join(workspace, "third_party", "bazel")
    run = lambda *args: subprocess.run(
        [wrapper, *args], cwd=workspace, check=True, stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True).stdout
    query = "mnemonic(CppCompile, //netpol/... + //tests/... + //bench/...)"
    graph = json.loads(run("aquery", "--output=jsonproto", query))
    execution_root = run("info", "execution_root").strip()

    commands = {}
    for action in graph.get("actions", []):
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        # Generated sources are not ours to check.
        if os.path.exists(os.path.join(workspace, source)):
            commands[source] = {
                "directory": execution_root,
                "file": os.path.join(workspace, source),
                "arguments": arguments,
            }
    target = os.path.join(workspace, "compile_commands.json")
    with open(target, "w", encoding="utf-8") as file:
        json.dump([commands[source] for source in sorted(commands)], file, indent=1)
    print(f"{len(commands)} compilations written to {target}")


if __name__ == "__main__":
    main()
