import type { z } from 'zod';
import {
  Agent,
  envelope,
  Group,
  type Kind,
  Llm,
  McpToken,
  Personality,
  Project,
  Prompt,
  Repository,
  RoleBinding,
  Secret,
  SecretBackend,
  Server,
  ServiceAccount,
  Skill,
  Template,
  User,
} from '../../../schema/index.ts';

const specs: Readonly<Record<Exclude<Kind, 'Lock'>, z.ZodType>> = {
  Agent,
  Group,
  Llm,
  McpToken,
  Personality,
  Project,
  Prompt,
  Repository,
  RoleBinding,
  Secret,
  SecretBackend,
  Server,
  ServiceAccount,
  Skill,
  Template,
  User,
};

/** The schema of a whole document of a kind, as `get -o yaml` shows it. */
export function documentSchema(kind: Exclude<Kind, 'Lock'>): z.ZodType {
  return envelope(specs[kind]);
}
