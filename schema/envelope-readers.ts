import { checkBackend, checkEnvironments, checkMembers, checkRoleBinding } from './access-rules.ts';
import { envelope } from './kinds/envelope.ts';
import {
  Agent,
  Group,
  Llm,
  McpToken,
  notActedOn,
  Project,
  Repository,
  RoleBinding,
  Secret,
  SecretBackend,
  Server,
  ServiceAccount,
  Template,
  User,
} from './kinds/index.ts';
import type { EnvelopeReader } from './read-envelope.ts';
import type { MarkdownKind } from './read-markdown.ts';
import {
  agentReferences,
  backendReferences,
  bindingReferences,
  groupReferences,
  llmReferences,
  projectReferences,
  repositoryReferences,
  serverReferences,
  tokenReferences,
} from './references.ts';
import type { Kind } from './resource.ts';
import { checkServer } from './rules.ts';
import { checkTemplate } from './template-rules.ts';

/** Kinds whose file is YAML in Kubernetes' envelope. */
export type EnvelopeKind = Exclude<Kind, MarkdownKind | 'Skill' | 'Lock'>;

/** How each of them is read. */
export const envelopeReaders: { readonly [K in EnvelopeKind]: EnvelopeReader<K> } = {
  Repository: { schema: envelope(Repository), rules: checkEnvironments, references: repositoryReferences },
  Server: { schema: envelope(Server), rules: checkServer, references: serverReferences, notActedOn },
  Template: { schema: envelope(Template), rules: checkTemplate },
  Project: { schema: envelope(Project), references: projectReferences, notActedOn: idleInProject },
  Agent: { schema: envelope(Agent), references: agentReferences },
  Llm: { schema: envelope(Llm), references: llmReferences },
  Secret: { schema: envelope(Secret) },
  SecretBackend: { schema: envelope(SecretBackend), rules: checkBackend, references: backendReferences },
  User: { schema: envelope(User) },
  Group: { schema: envelope(Group), rules: checkMembers, references: groupReferences },
  ServiceAccount: { schema: envelope(ServiceAccount) },
  RoleBinding: { schema: envelope(RoleBinding), rules: checkRoleBinding, references: bindingReferences },
  McpToken: { schema: envelope(McpToken), references: tokenReferences },
};

/** What of a project is valid but not acted on yet. */
function idleInProject({ versions, gated }: Project): string[] {
  const given: [string, boolean][] = [
    ['versions', versions !== undefined],
    ['gated', gated],
  ];
  return given.filter(([, is]) => is).map(([field]) => field);
}
