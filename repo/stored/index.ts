import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ObjectContents, type ObjectInfo, type Objects, openObjects } from '../objects.ts';
import type { Oid } from '../types.ts';
import { CommitGraph } from './commit-graph.ts';
import { RefFiles } from './ref-files.ts';
import { Store } from './store.ts';

/**
 * The objects of an ordinary repository, read from its folder in this process: a git of its own for a single question takes
 * longer than the whole command. git is asked for everything else: what is not found or not understood here, whatever is
 * damaged or too large, and everything of a repository that is out of the ordinary. So the answers are git's own; for a
 * command that ends soon, as what git packs anew while it runs is not looked for again.
 * @param gitDir as `findRepository` finds it
 */
export function openStored(gitDir: string, env: NodeJS.ProcessEnv): Objects {
  const git = openObjects(gitDir, env);
  let names: Names | undefined;
  let isOpen = false;
  let asked = 0;

  function here<T>(answer: (names: Names) => T): { answer: T } | undefined {
    if (++asked > MAX_HERE) return undefined;
    try {
      if (!isOpen) {
        isOpen = true;
        names = isReadHere(gitDir) ? new Names(gitDir) : undefined;
      }
      return names && { answer: answer(names) };
    } catch {
      return undefined;
    }
  }

  return {
    async info(name) {
      const found = here(names => names.info(name));
      return found ? found.answer : git.info(name);
    },
    async commit(name) {
      const found = here(names => names.commit(name));
      return found ? found.answer : git.commit(name);
    },
    async contents(name, maxBytes) {
      const found = here(names => names.contents(name, maxBytes));
      return found ? found.answer : git.contents(name, maxBytes);
    },
    close() {
      names?.close();
      // Whoever still asks must not read what has the number of a closed file by then.
      names = undefined;
      isOpen = true;
      git.close();
    },
  };
}

/** Whether nothing but its objects and refs decides what a name means: no other folders, no replacements, no extensions. */
function isReadHere(gitDir: string): boolean {
  const others = ['commondir', 'shallow', 'objects/info/alternates', 'objects/info/grafts', 'info/grafts', 'reftable'];
  const isThere = (name: string) => lstatSync(join(gitDir, name), { throwIfNoEntry: false }) !== undefined;
  if (others.some(isThere)) return false;
  if (/^\s*\[\s*(?:extensions|include)/im.test(readFileSync(join(gitDir, 'config'), 'utf8'))) return false;
  return !isThere('refs/replace') || readdirSync(join(gitDir, 'refs/replace')).length === 0;
}

/** Of more questions than this git, which works beside us once it is started, answers the rest sooner. */
const MAX_HERE = 100;

const OID = /^[0-9a-f]{40}$/;
/** What git might take for a shortened id, or for `v1.0-3-g1a2b3c4`. */
const LIKE_AN_ID = /^[0-9a-f]{4,40}$|-g[0-9a-f]+$/;
const REF = /^(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)|\/\.|\/$|\.$))[A-Za-z0-9][A-Za-z0-9._/-]*$/;
/** Without what git has written down of its commits, more of them are not gone back here. */
const MAX_READ_BACK = 64;
const MAX_PEELED = 8;
const TREE = '40000';
const SUBMODULE = '160000';

/** What names of objects mean, as gitrevisions(7) has it; throws an Error for whatever is not certain. */
class Names {
  private readonly refs: RefFiles;
  private readonly gitDir: string;
  private opened: Store | undefined;
  private graph: { found: CommitGraph | undefined } | undefined;
  private readonly known = new Map<string, Oid>();

  constructor(gitDir: string) {
    this.gitDir = gitDir;
    this.refs = new RefFiles(gitDir);
    if (this.refs.hasReplacements()) throw new Error('objects are replaced');
  }

  info(name: string): ObjectInfo | undefined {
    const oid = this.resolve(name);
    return oid === undefined ? undefined : { oid, ...this.store.info(oid) };
  }

  commit(name: string): Oid {
    return this.revision(`${name}^{commit}`);
  }

  contents(name: string, maxBytes: number): ObjectContents | undefined {
    const info = this.info(name);
    if (!info || info.size > maxBytes) return info && { ...info, bytes: undefined };
    return { ...info, bytes: this.store.get(info.oid).bytes };
  }

  close(): void {
    this.opened?.close();
  }

  /** What commits are called is told without it, where git has written down all of them. */
  private get store(): Store {
    this.opened ??= new Store(this.gitDir);
    return this.opened;
  }

  /** Undefined only when it is certain that there is no such object. */
  private resolve(name: string): Oid | undefined {
    const colon = name.indexOf(':');
    if (colon === -1) return this.revision(name);
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const from = name.slice(0, colon);
    const oid = this.below(this.revision(from), name.slice(colon + 1));
    if (oid !== undefined && OID.test(from)) this.known.set(name, oid);
    return oid;
  }

  private revision(name: string): Oid {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const [, base = '', steps = '', type] = /^([^~^]+)((?:~\d{0,9}|\^)*)(?:\^\{(commit|tree)\})?$/.exec(name) ?? [];
    const isId = OID.test(base);
    let oid = isId ? base : this.named(base);
    if (steps !== '') this.graph ??= { found: CommitGraph.open(this.gitDir) };
    for (const step of steps.match(/~\d*|\^/g) ?? []) {
      const back = step.length > 1 ? Number(step.slice(1)) : 1;
      oid = this.ancestor(this.commitAt(oid, !isId), back);
    }
    if (type === 'commit') oid = this.commitAt(oid, !isId || steps !== '');
    else if (type === 'tree') oid = this.peel(oid, 'tree');
    // A ref may be another one at the next time.
    if (isId) this.known.set(name, oid);
    return oid;
  }

  private named(name: string): Oid {
    if (name === 'HEAD' || (name.startsWith('refs/') && REF.test(name))) return certain(this.refs.get(name));
    if (LIKE_AN_ID.test(name) || !REF.test(name)) throw new Error('not the whole name of a ref');
    // A file of that name would come first.
    if (lstatSync(join(this.gitDir, name), { throwIfNoEntry: false })) throw new Error('not certain');
    const places = ['', 'tags/', 'heads/', 'remotes/'].flatMap(folder => this.refs.get(`refs/${folder}${name}`) ?? []);
    if (places.length > 1) throw new Error('not certain');
    return certain(places[0]);
  }

  /**
   * A commit, itself or through tags. One that a ref or another commit leads to, and that git has written down, is there;
   * one that is known by its id alone may be gone, and not be forgotten yet.
   */
  private commitAt(oid: Oid, isReached: boolean): Oid {
    return isReached && this.graph?.found?.find(oid) !== undefined ? oid : this.peel(oid, 'commit');
  }

  /** What a tag is about, or the tree of a commit. */
  private peel(oid: Oid, to: 'commit' | 'tree'): Oid {
    let at = oid;
    for (let depth = 0; depth < MAX_PEELED; depth++) {
      // Most are told by how they are packed, and need not be unpacked.
      const { type } = this.store.info(at);
      if (type === to) return at;
      if (type !== 'tag' && !(type === 'commit' && to === 'tree')) break;
      const { bytes } = this.store.get(at);
      const header = type === 'tag' ? 'object' : 'tree';
      at = certain(new RegExp(`^${header} ([0-9a-f]{40})\n`).exec(bytes.toString('latin1', 0, 64))?.[1]);
    }
    throw new Error('it leads to nothing of that type');
  }

  private ancestor(oid: Oid, back: number): Oid {
    const graph = this.graph?.found;
    let at = oid;
    for (let left = back, read = 0; left > 0; left--, read++) {
      let place = graph?.find(at);
      if (place !== undefined) {
        for (; left > 0; left--) place = certain(graph?.parent(certain(place)));
        return certain(graph?.id(place));
      }
      if (read >= MAX_READ_BACK) throw new Error('too far back');
      const { type, bytes } = this.store.get(at);
      const head = bytes.toString('latin1', 0, 200);
      at = certain(type === 'commit' ? /^tree [0-9a-f]{40}\nparent ([0-9a-f]{40})\n/.exec(head)?.[1] : undefined);
    }
    return at;
  }

  /** What a tree has at a path. */
  private below(oid: Oid, path: string): Oid | undefined {
    let at = { oid: this.peel(oid, 'tree'), mode: TREE };
    if (path === '') return at.oid;
    for (const part of path.split('/')) {
      if (part === '' || part === '.' || part === '..') throw new Error('not a path');
      if (at.mode === SUBMODULE) throw new Error('not of this repository');
      const { type, bytes } = this.store.get(at.oid);
      if (type !== 'tree') return undefined;
      const found = entryNamed(bytes, part);
      if (!found) return undefined;
      at = found;
    }
    if (at.mode === SUBMODULE) throw new Error('not of this repository');
    return at.oid;
  }
}

/**
 * The entry of that name. As text of one byte a character, in which Node finds something several times as fast: a folder
 * may have thousands. @throws Error when it is not a tree
 */
function entryNamed(tree: Buffer, name: string): { mode: string; oid: Oid } | undefined {
  const text = tree.toString('latin1');
  const wanted = Buffer.from(name).toString('latin1');
  for (let at = 0; at < text.length; ) {
    const space = text[at + 5] === ' ' ? at + 5 : at + 6;
    const nul = text.indexOf('\0', space);
    if (text[space] !== ' ' || nul === -1 || nul + 20 >= text.length) throw new Error('not a tree');
    if (nul - space - 1 === wanted.length && text.startsWith(wanted, space + 1)) {
      return { mode: text.slice(at, space), oid: tree.toString('hex', nul + 1, nul + 21) };
    }
    at = nul + 21;
  }
  return undefined;
}

function certain<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not certain');
  return value;
}
