import type { LaunchSpec } from '../runtime.ts';
import { objectName } from './marks.ts';

/** Which Deployments this process has been asked to have, and which it has been told that it need not. */
export interface Wishes {
  ask(spec: LaunchSpec): void;
  /** @param names Deployments that are known to be for it */
  drop(id: string, names?: Iterable<string>): void;
  /** Deployments that were found to be for what nobody asks for. */
  doom(names: Iterable<string>): void;
  /** An instance that this process was told to remove, or was asked for as another Deployment's. */
  isLeft(id: string, name: string): boolean;
  isWanted(name: string): boolean;
  /** What is not wanted any more. It is another process's to remove while that one leads. */
  unwanted(): string[];
  /** It is not there any more. */
  forget(name: string): void;
}

export function createWishes(): Wishes {
  /** Names by instance. */
  const asked = new Map<string, string>();
  const dropped = new Set<string>();
  /** Ids. What there is of them may be found later. */
  const left = new Set<string>();

  function isWanted(name: string): boolean {
    return [...asked.values()].includes(name);
  }

  function drop(id: string, names: Iterable<string> = []): void {
    doom([asked.get(id) ?? [], ...names].flat());
    asked.delete(id);
    left.add(id);
  }

  function doom(names: Iterable<string>): void {
    for (const name of names) dropped.add(name);
  }

  return {
    isWanted,
    drop,
    doom,
    isLeft: (id, name) => left.has(id) || (asked.has(id) && asked.get(id) !== name),
    ask(spec) {
      const name = objectName(spec);
      if (asked.get(spec.id) !== name) drop(spec.id);
      asked.set(spec.id, name);
      left.delete(spec.id);
    },
    unwanted: () => [...dropped].filter(name => !isWanted(name)),
    forget: name => void dropped.delete(name),
  };
}
