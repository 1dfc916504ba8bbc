import type { Kind } from '../resource.ts';
import type { RiskCategory } from './risk.ts';

/** Where in a document something weighty stands. */
export interface RiskField {
  path: readonly string[];
  category: RiskCategory;
  /** How its parts are told: as a whole, each member by its key, or each entry of a list by its name. */
  by: 'whole' | 'key' | 'name';
}

const field = (path: string, category: RiskCategory, by: RiskField['by'] = 'whole'): RiskField => ({
  path: path.split('.'),
  category,
  by,
});

const server: readonly [string, RiskCategory, RiskField['by']?][] = [
  ['command', 'command'],
  ['args', 'command'],
  ['cwd', 'command'],
  ['runner', 'command'],
  ['package', 'package'],
  ['image', 'image'],
  ['url', 'address'],
  ['transport', 'address'],
  ['env', 'environment', 'name'],
  ['headers', 'environment', 'name'],
  ['runtime', 'isolation'],
  ['isolation', 'isolation'],
];

const labels = field('metadata.labels', 'exposure');

/** In the documents that declare resources. */
export const riskFields: Partial<Record<Kind, readonly RiskField[]>> = {
  Repository: [field('spec', 'policy', 'key')],
  Server: [labels, ...server.map(([path, category, by]) => field(`spec.${path}`, category, by))],
  Template: server.map(([path, category, by]) => field(`spec.server.${path}`, category, by)),
  Prompt: [field('labels', 'exposure')],
  Skill: [
    field('hooks', 'hook', 'key'),
    field('allowed-tools', 'allowed-tools'),
    field('disallowed-tools', 'allowed-tools'),
    field('shell', 'command'),
  ],
  Project: ['servers', 'prompts', 'skills', 'selector', 'versions', 'expose', 'hide', 'gated'].map(name =>
    field(`spec.${name}`, 'exposure'),
  ),
  Agent: [field('spec.project', 'exposure'), field('spec.llm', 'exposure')],
  Llm: [field('spec.url', 'address'), field('spec.provider', 'address'), field('spec.apiKey', 'secret')],
  Secret: [field('spec.data', 'secret', 'key')],
  SecretBackend: [field('spec', 'secret', 'key')],
  User: [field('spec', 'access', 'key')],
  Group: [field('spec', 'access', 'key')],
  ServiceAccount: [field('spec', 'access', 'key')],
  RoleBinding: [field('spec', 'access', 'key')],
  McpToken: [field('spec', 'access', 'key')],
};

/** In a skill's `skill.yaml`. */
export const extrasFields: readonly RiskField[] = [
  labels,
  field('spec.hooks', 'hook', 'key'),
  field('spec.postInstall', 'post-install'),
  field('spec.preUninstall', 'post-install'),
  field('spec.mcpServers', 'exposure'),
];
