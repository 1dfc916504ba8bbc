import { literal, literalOf, type NamedText, type Text } from './imported.ts';
import type { Recognised } from './recognise.ts';

/** Options of `docker run` that take a value as the next argument (or after `=`). */
const VALUED = new Set(
  `add-host annotation attach a blkio-weight cap-add cap-drop cgroup-parent cidfile cpu-shares c cpus cpuset-cpus
  cpuset-mems device dns dns-option dns-search domainname entrypoint env e env-file expose gpus group-add
  health-cmd health-interval health-retries health-timeout hostname h ip ip6 ipc isolation label l label-file link
  log-driver log-opt mac-address memory m memory-reservation memory-swap mount name network net network-alias
  oom-score-adj pid pids-limit platform publish p pull restart runtime security-opt shm-size stop-signal
  stop-timeout storage-opt sysctl tmpfs ulimit user u userns uts volume v volumes-from volume-driver workdir w`.split(
    /\s+/,
  ),
);

/** What each client's entry says anyway: stdin open, removed when it ends, no terminal. */
const IMPLIED = new Set(['i', 'interactive', 'rm', 't', 'tty', 'init', 'name', 'pull']);

/**
 * `docker run [OPTIONS] IMAGE [ARG…]`: the image, its arguments, and the variables given with `-e`.
 * @param args what follows `run`
 * @returns undefined when no image can be made out
 */
export function recogniseContainer(args: readonly Text[]): Extract<Recognised, { kind: 'image' }> | undefined {
  const env: NamedText[] = [];
  const left = new Set<string>();
  for (let at = 0; at < args.length; at++) {
    const text = args[at] ?? [];
    const option = readOption(text);
    if (!option) {
      const image = literalOf(text);
      if (image === undefined || image === '' || image.startsWith('-')) return undefined;
      return { kind: 'image', image, args: args.slice(at + 1), env, left: [...left] };
    }
    const valued = VALUED.has(option.name);
    const value = option.value ?? (valued ? args[++at] : undefined);
    if (option.name === 'e' || option.name === 'env') env.push(...readVariable(value));
    else if (!option.names.every(name => IMPLIED.has(name)))
      left.add(`\`${dashed(option.name)}\` of the container is not carried over`);
  }
  return undefined;
}

interface Option {
  name: string;
  /** `-it` is two. */
  names: string[];
  value?: Text;
}

function readOption(text: Text): Option | undefined {
  const [first, ...rest] = text;
  if (first?.kind !== 'text' || !first.text.startsWith('-')) return undefined;
  const [, long, value] = /^--([A-Za-z0-9-]+)(?:=([\s\S]*))?$/.exec(first.text) ?? [];
  if (long !== undefined) {
    return { name: long, names: [long], ...(value !== undefined && { value: [...literal(value), ...rest] }) };
  }
  const letters = first.text.slice(1);
  const initial = letters[0] ?? '';
  // `-eNAME=value`: a value glued to its letter.
  if (VALUED.has(initial) && letters.length > 1) {
    return { name: initial, names: [initial], value: [...literal(letters.slice(1)), ...rest] };
  }
  return { name: letters.at(-1) ?? '', names: [...letters] };
}

/** `NAME` takes the variable from the client's own environment, which its entry declares; `NAME=value` sets it. */
function readVariable(text: Text | undefined): NamedText[] {
  const [first, ...rest] = text ?? [];
  const match = first?.kind === 'text' ? /^([A-Za-z_][A-Za-z0-9_]*)(=?)([\s\S]*)$/.exec(first.text) : null;
  if (match?.[2] !== '=') return [];
  return [{ name: match[1] ?? '', value: [...literal(match[3] ?? ''), ...rest] }];
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
