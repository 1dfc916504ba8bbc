#!/usr/bin/env node
// The command's entry, in a checkout and in the published package. Plain JavaScript for any Node >= 20: in a checkout
// it hands over to the Node that the project is tested with when the one it was started by is older.

// As what they are: an `import` of one of Node's own modules loads much that is not needed here.
const own = process.getBuiltinModule ?? (await import('node:module')).createRequire(import.meta.url);
const { existsSync, statSync } = own('node:fs');
const { dirname, join, resolve } = own('node:path');
const { fileURLToPath, pathToFileURL } = own('node:url');

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'main.ts');
const main = existsSync(source) ? source : join(here, '..', 'dist', 'main.js');

/**
 * The daemon lives long and needs little at a time; left to itself, V8 takes several times that: less for new objects
 * (in MB), and less room to grow by before garbage is collected (in percent). Both can only be said at a start.
 */
const lean = process.argv.includes('up') ? ['--max-semi-space-size=4', '--heap-growing-percent=25'] : [];

if (Number(process.versions.node.split('.')[0]) >= 24) {
  startLean();
  keepCompiled();
  await import(pathToFileURL(main).href);
} else {
  const node = join(here, '..', 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(node)) {
    const cure =
      main === source ? 'run `npm ci` in its checkout, which brings one along' : 'install it: https://nodejs.org';
    console.error(`✗ mcpctl needs Node.js 24, and this is ${process.version}; ${cure}`);
    process.exit(1);
  }
  const child = own('node:child_process').spawn(node, [...lean, main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}

/** Start once more, as the same process, unless somebody else has said how much memory there is to be. */
function startLean() {
  const { execArgv, argv, execve } = process;
  if (lean.length === 0 || !execve || process.send || execArgv.some(word => /semi-space|heap-growing/.test(word)))
    return;
  execve(process.execPath, [process.execPath, ...lean, ...execArgv, ...argv.slice(1)], process.env);
}

/**
 * Keep compiled code from one start to the next, where nobody else can put some: below our own folder, once there is
 * one. Nothing is made on a machine by asking for the version.
 */
function keepCompiled() {
  const home = process.env.MCPCTL_HOME ? resolve(process.env.MCPCTL_HOME) : join(own('node:os').homedir(), '.mcpctl');
  let stats;
  try {
    stats = statSync(home, { throwIfNoEntry: false });
  } catch {
    // Not to be looked at: whoever needs it says so.
  }
  if (!stats?.isDirectory() || (stats.mode & 0o022) !== 0 || stats.uid !== process.getuid?.()) return;
  own('node:module').enableCompileCache(join(home, 'cache', 'code'));
}
