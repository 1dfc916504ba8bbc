import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const pythonServer = `import json, sys

def main():
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        version = asked.get("params", {}).get("protocolVersion")
        answers = {
            "initialize": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "n", "version": "1"}},
            "tools/list": {"tools": [{"name": "note", "inputSchema": {"type": "object"}}]},
        }
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answers.get(asked["method"], {})}), flush=True)
`;
/** A wheel is an archive of modules, and of files that describe them. */
const wheelMaker = `import sys, zipfile
info = "notes_server-1.0.0.dist-info"
files = {
    "notes_server.py": sys.stdin.read(),
    info + "/METADATA": "Metadata-Version: 2.1\\nName: notes-server\\nVersion: 1.0.0\\n",
    info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    info + "/entry_points.txt": "[console_scripts]\\nnotes-server = notes_server:main\\n",
}
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
    wheel.writestr(info + "/RECORD", "".join(name + ",,\\n" for name in files))
`;

/** The package `notes-server` 1.0.0 for PyPI, a server over stdio with one tool. @returns its file */
export function makeWheel(folder: string): string {
  const wheel = join(folder, 'notes_server-1.0.0-py3-none-any.whl');
  execFileSync('/usr/bin/python3', ['-c', wheelMaker, wheel], { input: pythonServer });
  return wheel;
}
