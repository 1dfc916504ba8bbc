import { isMapping, type Mapping } from '../mapping.ts';
import type { Finding } from './compare-fields.ts';
import { finding, same } from './compare-fields.ts';
import type { ChangedFile } from './risk.ts';
import { textOf } from './said.ts';

/** As many as a lock may have. */
const MAX_BYTES = 8 * 1024 * 1024;

/** What a lock that changed would install differently, in a line; and packages that now run scripts of their own. */
export function lockRisks({ before, after }: Omit<ChangedFile, 'path'>): Finding[] {
  const old = packagesOf(textOf(before, MAX_BYTES));
  const now = packagesOf(textOf(after, MAX_BYTES));
  if (before && after && same({ before: old, after: now })) return [];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const count = { added: 0, removed: 0, changed: 0 };
  const scripts: string[] = [];
  for (const name of names) {
    const [was, is] = [entry(old, name), entry(now, name)];
    if (!was) count.added += 1;
    else if (!is) count.removed += 1;
    else if (was.version !== is.version || was.integrity !== is.integrity) count.changed += 1;
    if (is?.hasInstallScript === true && was?.hasInstallScript !== true) scripts.push(name);
  }
  const what = `${count.added} packages added, ${count.removed} removed, ${count.changed} changed`;
  const sides = {
    before: before && `${Object.keys(old).length} packages`,
    after: after && `${Object.keys(now).length} packages`,
  };
  return [
    finding('lock', what, sides),
    ...scripts.map(name => finding('lock', `install scripts of ${name}`, { before: undefined, after: 'declared' })),
  ];
}

function packagesOf(text: string | undefined): Mapping {
  try {
    const lock: unknown = JSON.parse(text ?? '');
    const packages = isMapping(lock) && isMapping(lock.packages) ? lock.packages : {};
    // The entry without a name is the lock itself.
    return Object.fromEntries(Object.entries(packages).filter(([name]) => name !== ''));
  } catch {
    return {};
  }
}

function entry(packages: Mapping, name: string): Mapping | undefined {
  const found = Object.hasOwn(packages, name) ? packages[name] : undefined;
  return isMapping(found) ? found : undefined;
}
