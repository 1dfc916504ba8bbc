// Install what package-lock.json names, unless that is what is there already. Plain JavaScript for any Node >= 20: it
// runs before the Node that the rest of the project uses is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.mcpctl-lock');
const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('► installing dependencies (npm ci), about 20 s');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.error || npm.status !== 0) {
    console.error(`✗ npm ci failed${npm.error ? `: ${npm.error.message}` : ''}`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
