import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clientEnv } from './client.ts';
import { findProgram } from './debian.ts';

/** No registry is needed: the image is what this machine has of Node, its libraries, and a shell. @returns its id */
export function importNode(host: string, folder: string, variant: string): string {
  const root = join(folder, 'image');
  if (!existsSync(root)) fill(root);
  const tar = spawnSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 1024 ** 3 });
  const settings = ['ENV PATH=/usr/local/bin:/usr/bin:/bin', `LABEL variant=${variant}`, 'ENTRYPOINT ["node"]'];
  const args = ['import', ...settings.flatMap(line => ['-c', line]), '-', `local/node:${variant}`];
  return execFileSync('docker', args, { input: tar.stdout, env: clientEnv(host), encoding: 'utf8' }).trim();
}

function fill(root: string): void {
  for (const name of ['bin', 'etc', 'root', 'usr/local/bin', 'tmp', 'run', 'home/server']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n');
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/(\/[^ )]+)/g);
  for (const [path] of libraries) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw new Error('no busybox');
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  }
}
