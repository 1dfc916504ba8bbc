// Makes dist/: the command line as a few files of plain JavaScript, so that it starts fast and installs without
// dependencies. Every command, and what only it needs, is a file of its own that is loaded when it is called for.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');
const MAX_BYTES = 6 * 1024 * 1024;

/** Programs that run as a process: file in dist/ → source. The reader and ssh's proxy command are named by their URL. */
const programs: Record<string, string> = {
  main: 'cli/main.ts',
  reader: 'repo/reader/main.ts',
  'ssh-connect': 'repo/ssh/connect-main.ts',
  'skills-hook': 'cli/sync/hook/main.ts',
};

/** `new URL('./x.ts', import.meta.url)` names a program; in dist/ its file is another one. */
const programUrls: Plugin = {
  name: 'program-urls',
  transform: {
    filter: { id: /\.ts$/, code: 'import.meta.url' },
    handler: (code, id) =>
      code.replace(/new URL\((['"])(\.[^'"]+\.ts)\1, import\.meta\.url\)/g, (_all, _quote, file: string) => {
        const source = relative(root, join(dirname(id), file)).replaceAll('\\', '/');
        const [name] = Object.entries(programs).find(([, program]) => program === source) ?? [];
        if (name === undefined) throw new Error(`${source} is named by URL, but is no program of .ci/bundle.ts`);
        return `new URL('./${name}.js', import.meta.url)`;
      }),
  },
};

/** Parts of Docker's client that are not used: it is spoken with over its local socket only, and builds nothing. */
const unused = new Set(['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', '@balena/dockerignore', 'tar-fs', './session']);
/** The generated classes of Kubernetes' client, one for each kind of object: its API is spoken with directly. */
const generated = 'export const createConfiguration = undefined; export const ServerConfiguration = undefined;';
const leaveOut: Plugin = {
  name: 'leave-out',
  resolveId(id, importer) {
    if (unused.has(id) && importer?.includes('/node_modules/docker')) return { id: `\0unused:${id}` };
    if (id === './gen/index.js' && importer?.includes('/@kubernetes/client-node/')) return { id: '\0generated' };
    return undefined;
  },
  load(id) {
    if (id === '\0generated') return { code: generated };
    return id.startsWith('\0unused:') ? { code: 'export default {};' } : undefined;
  },
};

/** Its commands are all functions of this process: none is a program that it would have to start. */
const commandsHere: Plugin = {
  name: 'commands-here',
  resolveId: (id, importer) =>
    id === 'node:child_process' && importer?.includes('/node_modules/commander/') ? { id: '\0unused:commander' } : null,
};

/**
 * What is only called, of modules that take Node long to load: asked for when it is called, so that what only reads
 * loads neither.
 */
const calledLate: Readonly<Record<string, readonly string[]>> = {
  'node:fs/promises': [
    ...[
      'chmod',
      'copyFile',
      'cp',
      'link',
      'lstat',
      'mkdir',
      'mkdtemp',
      'open',
      'opendir',
      'readdir',
      'readFile',
      'readlink',
    ],
    ...['realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink', 'unlink', 'writeFile'],
  ],
  'node:child_process': ['execFileSync', 'fork', 'spawn', 'spawnSync'],
  'node:net': ['isIP'],
  'node:tls': ['getCACertificates'],
  'node:zlib': ['crc32', 'inflateSync'],
  'node:crypto': ['createHash', 'createHmac', 'createPublicKey', 'hash', 'randomBytes', 'randomUUID', 'sign', 'verify'],
};

/**
 * Node's own modules, asked for as what they are. An `import` of one makes a module around it that has every name it
 * exports, and looks at each, which loads much of what nobody needs: 10 ms for `node:fs`, as many for others.
 */
const ownModules: Plugin = {
  name: 'own-modules',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) if (file.type === 'chunk') file.code = withOwnModules(file.code);
  },
};

const statement = /import ?(?:(?:\* ?as )?([\w$]+)?,?(?:\{([^{}]*)\})? ?from ?)?"(node:[\w/]+)";?/g;

function withOwnModules(code: string): string {
  return code.replace(statement, (_all, whole: string | undefined, names: string | undefined, id: string) => {
    const module = `globalThis.process.getBuiltinModule("${id}")`;
    const pairs = names?.split(',').map(one => one.trim().split(/ as /)) ?? [];
    const late = pairs.filter(([name = '']) => calledLate[id]?.includes(name));
    const now = pairs.filter(pair => !late.includes(pair)).map(pair => pair.join(':'));
    const functions = late.map(([name, as = name]) => `function ${as}(...given){return ${module}.${name}(...given)}`);
    const constants = [...(whole ? [whole] : []), ...(now.length > 0 ? [`{${now.join(',')}}`] : [])];
    return `${functions.join('')}${constants.map(constant => `const ${constant}=${module};`).join('')}`;
  });
}

/**
 * Files that only hand on what another one has are left out: each takes Node as long to find as any other. There is one
 * wherever a part of a group is asked for by `import()`.
 */
const nothingHandedOn: Plugin = {
  name: 'nothing-handed-on',
  generateBundle(_options, files) {
    const ways = new Map<string, string>();
    for (const { fileName, ...file } of Object.values(files)) {
      const [, names, from] =
        file.type === 'chunk' ? (/^export\{([^}]+)\}from"(\.\/[^"]+)";\n?$/.exec(file.code) ?? []) : [];
      const pairs = names?.split(',').map(pair => pair.split(' as '));
      const object = pairs?.map(([name, as = name]) => `${as}:file.${name}`).join();
      if (object !== undefined) ways.set(fileName, `import(\`${from}\`).then(file=>({${object}}))`);
    }
    for (const file of Object.values(files)) {
      if (ways.has(file.fileName)) delete files[file.fileName];
      else if (file.type === 'chunk') {
        file.code = file.code.replace(/import\(`\.\/([^`]+)`\)/g, (all, name: string) => ways.get(name) ?? all);
      }
    }
  },
};

/**
 * Nothing but ASCII: a file with one other character takes Node twice the memory, and the longer way to read it. What
 * replaces a character means the same in texts, patterns and names; in `String.raw` alone it would not.
 */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk' || /\\[\u0080-\uffff]|String\.raw`[^`]*[\u0080-\uffff]/.test(file.code)) continue;
      const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
      file.code = file.code.replace(/[\u0080-\uffff]/g, escaped);
    }
  },
};

/** The commit that is bundled; `-dirty` behind it when files differ from it, empty when there is no git. */
function commit(): string {
  try {
    const args = ['-C', root, 'describe', '--always', '--dirty', '--exclude=*', '--abbrev=40'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** The licences of packages, as they are published. @param modules paths of the files that were bundled */
function thirdParty(modules: readonly string[]): string {
  const folders = modules.flatMap(id => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  const sections = [...new Set(folders)].map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = globSync('{LICEN[CS]E,licen[cs]e,NOTICE,COPYING}*', { cwd: folder })
      .map(file => join(folder, file))
      .filter(file => statSync(file).isFile())
      .sort()
      .map(file => readFileSync(file, 'utf8').trim());
    if (texts.length === 0) texts.push('(The package has no licence file.)');
    return `${'─'.repeat(80)}\n${name} ${version}\nLicence: ${license}\n\n${texts.join('\n\n')}\n\n`;
  });
  return sections.sort().join('');
}

/** Files that import each other, as a way from one back to itself. @param graph file → what it imports */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    return (graph.get(file) ?? []).map(next => walk(next, [...way, file])).find(Boolean);
  };
  return [...graph.keys()].map(file => walk(file, [])).find(Boolean);
}

/** Modules of ours: files of folders, and whole folders. */
function modules(...places: readonly string[]): RegExp {
  return new RegExp(`^${RegExp.escape(root)}/(?:${places.join('|')})$`);
}

/**
 * What is always needed together is one file, because each takes Node as long to find as 20 KB take to load. Left to
 * itself, the bundler makes a file of whatever several commands share, and puts what everybody needs of the schema into
 * that of the parser, because the parser needs it too: then every command loads YAML and all schemas.
 */
const groups = [
  {
    name: 'hook',
    test: modules('cli/sync/(?:checked|places|project-file)\\.ts', 'cli/sync/hook/background\\.ts', 'host/home\\.ts'),
    priority: 4,
  },
  { name: 'problem', test: modules('schema/(?:hidden-text|problem|quote)\\.ts', 'host/files\\.ts'), priority: 4 },
  {
    name: 'commands',
    // What stands in the place of the processes that commander could start is as good as a part of it.
    test: new RegExp(
      `${modules('cli/(?:command-table|context|globals|program|repository-root|style|terminal)\\.ts', 'node_modules/commander/.*', 'package\\.json').source}|^\0unused:commander$`,
    ),
    priority: 3,
  },
  {
    name: 'basics',
    test: modules(
      'schema/(?:assemble-files|assemble-with|bundle|bundle-paths|closest|collisions|digest|environment|front-matter|kept-resource|kind-table|layout|mapping|plain-scalar|print-yaml|release/manifest-place|resource|resource-path|source|unread)\\.ts',
      'cli/(?:kinds|output|table)\\.ts',
    ),
    priority: 3,
  },
  {
    name: 'machine',
    test: modules('host/(?:lock|redact|run)\\.ts', 'repo/(?:git|git-environment)\\.ts'),
    priority: 3,
  },
  {
    name: 'repository',
    test: modules(
      'schema/plain-yaml\\.ts',
      'repo/(?:commit-files|folder-files|packed-entries|parsed-cache|parsed-files|parser-fingerprint|past-files|tree|tree-changes|worktree)\\.ts',
    ),
    priority: 2,
  },
  {
    name: 'reading',
    test: modules(
      'schema/(?:catalog|cycle-rules|link-rules|selection|selects|use-rules)\\.ts',
      'repo/staged\\.ts',
      'cli/(?:instances|load-catalog|read-files|relations|server-source)\\.ts',
    ),
    priority: 2,
  },
  {
    name: 'ask',
    test: modules(
      'cli/sync/(?:as-left|config|entry|look|observe|project|report|scopes|source|state|sync|ticks)\\.ts',
      'cli/sync/hooks/(?:ledger|settings-file)\\.ts',
      'cli/sync/hook/run-hook\\.ts',
      'host/(?:addresses|light-http)\\.ts',
      'repo/(?:ask-bundle|ask-refs|credentials|http-answer|ref|thin-copy|url)\\.ts',
      'repo/wire/(?:ask-refs|authorities|packets|upload-pack|web|web-problem)\\.ts',
    ),
    priority: 2,
  },
  {
    name: 'carry-out',
    test: modules(
      'cli/sync/(?:apply|bundle|carry-out|content|desired|outbox|plan|servers|store|working-copy)\\.ts',
      'cli/sync/(?:hooks|scripts)/[^/]*',
      'host/process\\.ts',
      'node_modules/jsonc-parser/.*',
      'repo/thin-files\\.ts',
      'repo/wire/(?:object-file|object-set|pack|web-copy)\\.ts',
    ),
    priority: 1,
  },
  {
    name: 'parse-skill',
    test: modules(
      'schema/(?:check-value|hook-rules|issues|parse-skill|read-envelope|read-skill|references)\\.ts',
      'schema/kinds/(?:envelope|names|skill)\\.ts',
      'cli/sync/parse-contents\\.ts',
    ),
    priority: 3,
  },
  {
    name: 'release',
    test: modules(
      'schema/release/(?!manifest-place|version-range|next-manifest)[^/]*',
      'node_modules/zod/v4/(?:mini|locales/en)[^/]*',
      'node_modules/zod/v4/mini/.*',
      'node_modules/semver/(?:classes/semver|internal/.*|functions/(?:parse|compare|inc|valid))\\.js',
    ),
    priority: 2,
  },
  {
    name: 'trust',
    test: modules(
      'repo/trust/(?!release-source|restore|sign\\.|release-objects)[^/]*',
      'cli/commands/verify/(?:explain|judge)\\.ts',
    ),
    priority: 1,
  },
  { name: 'zod', test: modules('node_modules/zod/v4/core/(?!.*json-schema)[^/]*'), priority: 1 },
  {
    // What names of the past mean, and a git that is under way while the rest is loaded.
    name: 'past',
    test: modules(
      'repo/history/(?:ask-patch|compare-states|history|limits|names|releases)\\.ts',
      'repo/(?:find-repository|objects|pack-entry)\\.ts',
      'repo/stored/.*',
    ),
    priority: 3,
  },
  { name: 'revisions', test: modules('repo/history/(?!manifest-versions|people)[^/]*'), priority: 0 },
  {
    name: 'history',
    test: modules(
      'repo/history/(?:changes|compare|files|locate|log|patch|patch-parts|text-diff|whole-hunk)\\.ts',
      'cli/show-diff\\.ts',
      'schema/risk/(?!document|risks-of)[^/]*',
      'node_modules/diff/.*',
    ),
    priority: 1,
  },
];

rmSync(outdir, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: programs,
  preserveEntrySignatures: 'allow-extension',
  platform: 'node',
  // A package's own ES modules where it has them: `require` behind a wrapper (jsonc-parser) cannot be followed.
  resolve: { mainFields: ['module', 'main'] },
  plugins: [programUrls, leaveOut, commandsHere, ownModules, nothingHandedOn, asciiOnly],
  // Our own modules do nothing when they are only imported: what is not used is left out, with all that it needs.
  treeshake: { moduleSideEffects: id => (id.includes('node_modules') ? undefined : false) },
  transform: { target: 'node24', define: { MCPCTL_COMMIT: JSON.stringify(commit()) } },
});
const { output } = await bundle.write({
  dir: outdir,
  format: 'esm',
  codeSplitting: { includeDependenciesRecursively: false, groups },
  // Names stay, so that a stack trace can be read.
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  comments: false,
});
await bundle.close();
const chunks = output.filter(file => file.type === 'chunk');
writeFileSync(join(outdir, 'THIRD-PARTY.txt'), thirdParty(chunks.flatMap(({ moduleIds }) => moduleIds)));

const circle = findCircle(new Map(chunks.map(({ fileName, imports }) => [fileName, imports])));
if (circle)
  throw new Error(`files that need each other, so that one is run before what it needs: ${circle.join(' → ')}`);

const bytes = chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
console.log(`dist/: ${chunks.length} files, ${(bytes / 1024 ** 2).toFixed(2)} MiB`);
if (bytes > MAX_BYTES) throw new Error(`dist/ is larger than ${MAX_BYTES} bytes`);
