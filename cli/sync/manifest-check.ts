import type { TreeFile } from '../../repo/index.ts';
import { type Manifest, manifestFiles, ProblemError, problem } from '../../schema/index.ts';
import { sha256 } from './bundle.ts';

/** Compares what a commit has with what its release’s manifest says. Each check throws a ProblemError (NOT_TRUSTED). */
export interface ManifestCheck {
  /** A skill has exactly the files that are listed, with their modes. */
  paths(id: string, files: readonly TreeFile[]): void;
  /** Bytes, as listed; 0 for what is not. */
  size(path: string): number;
  /** A file’s bytes are those listed. */
  content(path: string, bytes: Uint8Array): void;
  /** @returns the skill’s version, once its digest is the one listed */
  resource(id: string, digest: string): string;
}

export function manifestCheck(manifest: Manifest): ManifestCheck {
  const listed = manifestFiles(manifest) ?? new Map();
  const resources = new Map(manifest.resources.map(resource => [resource.id, resource]));
  return {
    paths(id, files) {
      const resource = resources.get(id);
      if (!resource) throw untrusted(id, `the manifest does not have \`${id}\``);
      for (const { path, mode } of files) {
        const file = listed.get(path);
        if (!file) throw untrusted(path, `\`${path}\` is in the commit, but not in the manifest`);
        const executable = /^100[0-7]{3}$/.test(mode) ? (Number.parseInt(mode, 8) & 0o100) !== 0 : undefined;
        if (executable === (file.mode === '100755')) continue;
        throw untrusted(path, `\`${path}\` has mode ${mode}, not ${file.mode}`);
      }
      const found = new Set(files.map(({ path }) => path));
      const missing = resource.files.find(({ path }) => !found.has(path));
      if (missing) throw untrusted(missing.path, `\`${missing.path}\` is in the manifest, but not in the commit`);
    },
    size: path => listed.get(path)?.size ?? 0,
    content(path, bytes) {
      const file = listed.get(path);
      if (file && file.size === bytes.length && file.sha256 === sha256(bytes)) return;
      throw untrusted(path, `\`${path}\` is not what the manifest says`);
    },
    resource(id, digest) {
      const resource = resources.get(id);
      if (resource?.digest === digest) return resource.version;
      throw untrusted(id, `\`${id}\` does not have the digest that the manifest says`);
    },
  };
}

function untrusted(file: string, why: string): ProblemError {
  return new ProblemError(problem('NOT_TRUSTED', `the release is not trusted: ${why}`, { at: { file } }));
}
