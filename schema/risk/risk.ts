import type { FileContent } from '../document.ts';
import type { ResourceId } from '../resource.ts';

/** What a change may bring about that its text does not show at first sight; in the order in which it is told. */
export const riskCategories = {
  'hidden-text': 'text that nobody sees',
  policy: 'what holds for the whole repository',
  trust: 'the root of trust',
  access: 'who may do what',
  hook: 'what a client runs by itself',
  'post-install': 'what is run when a skill comes or goes',
  command: 'what is run',
  package: 'a package',
  image: 'an image',
  address: 'an address that is spoken with',
  lock: 'what npm installs',
  'tool-surface': 'tools that were approved',
  isolation: 'what a server may reach',
  secret: 'a reference to a secret',
  environment: 'an environment',
  'allowed-tools': 'tools that need no asking',
  executable: 'a file that can be run',
  exposure: 'what clients are served',
  unreadable: 'a file that does not parse',
} as const;

export type RiskCategory = keyof typeof riskCategories;

/** One thing to look at before the text. All texts are fit for a terminal, and short. */
export interface Risk {
  category: RiskCategory;
  op: 'added' | 'changed' | 'removed';
  /** The resource that it is about; left out for a file that belongs to none. */
  resource?: ResourceId;
  file: string;
  line?: number;
  /** `spec.command`, `spec.env LOG_LEVEL`, `scripts/run.sh`. */
  what: string;
  before?: string;
  after?: string;
}

/** A file on both sides of a change. One that is the same on both is only there for what others mean with it. */
export interface ChangedFile {
  /** Below the repository's root folder. */
  path: string;
  before?: FileContent | undefined;
  after?: FileContent | undefined;
}

/** A comparison of one thing on both sides; undefined where it is not there. */
export interface Pair {
  before: unknown;
  after: unknown;
}
