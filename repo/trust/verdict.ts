/** Every check, in the order in which they are made and shown. */
const checkNames = [
  'root',
  'object',
  'tag',
  'signature',
  'namespace',
  'key',
  'name',
  'message',
  'repository',
  'root version',
  'version',
  'sequence',
  'expiry',
  'commit',
  'manifest',
  'tree',
  'files',
  'unmoved',
] as const;
export type CheckName = (typeof checkNames)[number];

/** One check and what came of it. `skipped`: what it is about is not known, or it was not asked for. */
export interface Check {
  name: CheckName;
  result: 'ok' | 'failed' | 'skipped';
  detail: string;
}

/** Collects checks; each name has one result, and a failed one stays failed. */
export class Checks {
  private readonly found = new Map<CheckName, Check>();

  ok(name: CheckName, detail: string): void {
    if (this.found.get(name)?.result !== 'failed') this.found.set(name, { name, result: 'ok', detail });
  }

  fail(name: CheckName, detail: string): void {
    if (this.found.get(name)?.result !== 'failed') this.found.set(name, { name, result: 'failed', detail });
  }

  /** @returns whether it holds */
  test(name: CheckName, holds: boolean, ok: string, failed: string): boolean {
    if (holds) this.ok(name, ok);
    else this.fail(name, failed);
    return holds;
  }

  skip(name: CheckName, why: string): void {
    if (!this.found.has(name)) this.found.set(name, { name, result: 'skipped', detail: why });
  }

  get failed(): Check | undefined {
    return checkNames.map(name => this.found.get(name)).find(check => check?.result === 'failed');
  }

  /** All of them, in order; what nobody came to is skipped. */
  list(): Check[] {
    return checkNames.map(name => this.found.get(name) ?? { name, result: 'skipped', detail: 'not reached' });
  }
}
