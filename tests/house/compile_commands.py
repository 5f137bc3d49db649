"""Writes compile_commands.json for editors and clang-tidy.

Asks Bazel for the command line of every compilation, so that it says what is really
built. Run it as `third_party/bazel run //tests/house:compile_commands`.
"""

import json
import os
import subprocess
import sys

# GCC's own, which clang-based tools refuse.
GCC_ONLY = {"-fno-canonical-system-headers", "-Wno-free-nonheap-object",
            "-Wunused-but-set-parameter"}


def bazel(workspace, *arguments):
    wrapper = os.path.join(workspace, "third_party", "bazel")
    return subprocess.run([wrapper, *arguments], cwd=workspace, check=True,
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True).stdout


def main():
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        sys.exit("compile_commands: run it with `third_party/bazel run`")
    everything = "//netpol/... + //tests/... + //bench/..."
    # Generated headers must be there for whoever follows the commands.
    bazel(workspace, "build", "//proto/...")
    graph = json.loads(bazel(workspace, "aquery", "--output=jsonproto",
                             f"mnemonic(CppCompile, {everything})"))
    # Relative to the tree, sources are real; what Bazel makes is elsewhere.
    made = {"bazel-out/": bazel(workspace, "info", "execution_root").strip(),
            "external/": bazel(workspace, "info", "output_base").strip()}

    def absolute(argument):
        for prefix, root in made.items():
            if argument.startswith(prefix):
                return os.path.join(root, argument)
        return argument

    commands = {}
    for action in graph.get("actions", []):
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        # Generated sources are not ours to check.
        if os.path.exists(os.path.join(workspace, source)):
            commands[source] = {
                "directory": workspace,
                "file": os.path.join(workspace, source),
                "arguments": [absolute(argument) for argument in arguments
                              if argument not in GCC_ONLY],
            }
    target = os.path.join(workspace, "compile_commands.json")
    with open(target, "w", encoding="utf-8") as file:
        json.dump([commands[source] for source in sorted(commands)], file, indent=1)
    print(f"{len(commands)} compilations written to {target}")


if __name__ == "__main__":
    main()
