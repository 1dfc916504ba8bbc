import { type Problem, problem } from '../../schema/index.ts';

/** Somebody asks for an instance that does not run. */
export function noSuchInstance(id: string): Problem {
  return problem('SERVER_EXITED', `there is no running instance ${id}`);
}
