import type { CliContext } from '../../context.ts';

/** What one look at the machine found. */
export interface Finding {
  /** What was looked at; unique with `found`. */
  check: string;
  /** `failed` is in the way of the main job, `warning` of something that not everybody needs. */
  level: 'ok' | 'warning' | 'failed';
  found: string;
  /** What to do about it. */
  cure?: string;
}

/** What checks may look at. */
export interface Machine extends Pick<CliContext, 'env' | 'cwd' | 'signal' | 'self'> {
  /** mcpctl's own folder. */
  home: string;
  port: number;
  /** Where to ask for the time. */
  remote?: string;
}

/** One look; most find one thing. */
export type Check = (machine: Machine) => Promise<Finding[]> | Finding[];

export function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found };
}

export function warning(check: string, found: string, cure: string): Finding {
  return { check, level: 'warning', found, cure };
}

export function failed(check: string, found: string, cure: string): Finding {
  return { check, level: 'failed', found, cure };
}
