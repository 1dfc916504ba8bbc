import type {
  Agent,
  Group,
  Llm,
  McpToken,
  Project,
  Repository,
  RoleBinding,
  SecretBackend,
  Server,
  SkillFile,
} from './kinds/index.ts';
import type { Declared } from './layout.ts';
import type { Kind, Reference } from './resource.ts';

/** Where a path of the document stands. */
export type Locate = (path: readonly PropertyKey[]) => { file?: string; line: number; column: number };

/** The Secrets that notifications are signed with, and the one that reviews at GitHub need. */
export function repositoryReferences({ notifications = [], review }: Repository, locate: Locate): Reference[] {
  const signed = notifications.map(({ secretRef }, index) =>
    secretReference(secretRef, ['spec', 'notifications', index, 'secretRef'], locate),
  );
  const { github } = review ?? {};
  return github
    ? [...signed, secretReference(github.secretRef, ['spec', 'review', 'github', 'secretRef'], locate)]
    : signed;
}

/** The Secrets that a server's environment and headers take their values from, and the servers it waits for. */
export function serverReferences(spec: Server, locate: Locate): Reference[] {
  const secrets = (['env', 'headers'] as const).flatMap(field =>
    spec[field].flatMap((variable, index) => {
      if (!('valueFrom' in variable)) return [];
      return [secretReference(variable.valueFrom.secretRef, ['spec', field, index, 'valueFrom', 'secretRef'], locate)];
    }),
  );
  return [...secrets, ...named('Server', spec.dependsOn, ['spec', 'dependsOn'], locate)];
}

/** The servers, global prompts and global skills that a project serves by name. */
export function projectReferences(spec: Project, locate: Locate): Reference[] {
  return [
    ...named('Server', spec.servers, ['spec', 'servers'], locate),
    ...named('Prompt', spec.prompts, ['spec', 'prompts'], locate),
    ...named('Skill', spec.skills, ['spec', 'skills'], locate),
  ];
}

/** The servers that every project gets together with a skill. */
export function skillReferences({ mcpServers }: SkillFile, locate: Locate): Reference[] {
  return mcpServers.flatMap(({ name, project }, index) =>
    project === undefined ? [{ kind: 'Server' as const, name, ...locate(['spec', 'mcpServers', index, 'name']) }] : [],
  );
}

export function agentReferences(spec: Agent, locate: Locate, owner: Declared): Reference[] {
  const { llm, project, personality } = spec;
  const scope = `agent/${owner.name}` as const;
  return [
    { kind: 'Llm', name: llm, ...locate(['spec', 'llm']) },
    ...(project === undefined ? [] : [{ kind: 'Project' as const, name: project, ...locate(['spec', 'project']) }]),
    ...(personality === undefined
      ? []
      : [{ kind: 'Personality' as const, scope, name: personality, ...locate(['spec', 'personality']) }]),
  ];
}

export function llmReferences({ apiKey }: Llm, locate: Locate): Reference[] {
  return apiKey
    ? [secretReference(apiKey.valueFrom.secretRef, ['spec', 'apiKey', 'valueFrom', 'secretRef'], locate)]
    : [];
}

export function backendReferences({ vault }: SecretBackend, locate: Locate): Reference[] {
  const ref = vault?.auth.secretRef;
  return ref ? [secretReference(ref, ['spec', 'vault', 'auth', 'secretRef'], locate)] : [];
}

export function groupReferences({ members }: Group, locate: Locate): Reference[] {
  return members.map(({ kind, name }, index) => ({ kind, name, ...locate(['spec', 'members', index, 'name']) }));
}

export function bindingReferences({ subjects, resources = [] }: RoleBinding, locate: Locate): Reference[] {
  return [
    ...subjects.map(({ kind, name }, index) => ({ kind, name, ...locate(['spec', 'subjects', index, 'name']) })),
    ...resources.flatMap(({ project }, index) =>
      project === undefined
        ? []
        : [{ kind: 'Project' as const, name: project, ...locate(['spec', 'resources', index, 'project']) }],
    ),
  ];
}

export function tokenReferences({ owner, project }: McpToken, locate: Locate): Reference[] {
  const whom: Reference = { kind: owner.kind, name: owner.name, ...locate(['spec', 'owner', 'name']) };
  return project === undefined ? [whom] : [whom, { kind: 'Project', name: project, ...locate(['spec', 'project']) }];
}

function named(kind: Kind, names: readonly string[], path: readonly PropertyKey[], locate: Locate): Reference[] {
  return names.map((name, index) => ({ kind, name, ...locate([...path, index]) }));
}

function secretReference(
  { name, key }: { name: string; key: string },
  path: readonly PropertyKey[],
  locate: Locate,
): Reference {
  return { kind: 'Secret', name, key, ...locate([...path, 'name']) };
}
