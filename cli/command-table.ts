import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** One command of the command line. Only the chosen one is loaded; the summary is all that `mcpctl --help` needs. */
export interface CommandRow {
  name: string;
  summary: string;
  load(context: CliContext): Promise<Command>;
  /** Not shown in help and reference: for programs, not for people. */
  hidden?: true;
}

/** Every command, under the headings and in the order of `mcpctl --help`. */
export const commandTable: readonly { heading: string; commands: readonly CommandRow[] }[] = [
  {
    heading: 'Run:',
    commands: [
      {
        name: 'up',
        summary: 'follow a repository: run its servers and serve them',
        load: async context => (await import('./commands/up/command.ts')).upCommand(context),
      },
      {
        name: 'status',
        summary: 'show what a running daemon has in service',
        load: async context => (await import('./commands/status/command.ts')).statusCommand(context),
      },
      {
        name: 'reconcile',
        summary: 'tell a running daemon to fetch and reconcile now',
        load: async context => (await import('./commands/reconcile/command.ts')).reconcileCommand(context),
      },
      {
        name: 'suspend',
        summary: 'take over no change until `resume`',
        load: async context => (await import('./commands/suspend/command.ts')).suspendCommand(context),
      },
      {
        name: 'resume',
        summary: 'take over changes again',
        load: async context => (await import('./commands/suspend/command.ts')).resumeCommand(context),
      },
      {
        name: 'restart',
        summary: 'replace a server’s instances by fresh ones',
        load: async context => (await import('./commands/restart/command.ts')).restartCommand(context),
      },
      {
        name: 'logs',
        summary: 'show what a running server writes',
        load: async context => (await import('./commands/logs/command.ts')).logsCommand(context),
      },
      {
        name: 'events',
        summary: 'show what a running daemon did lately',
        load: async context => (await import('./commands/events/command.ts')).eventsCommand(context),
      },
      {
        name: 'test',
        summary: 'test an MCP server',
        load: async context => (await import('./commands/test-mcp/command.ts')).testCommand(context),
      },
    ],
  },
  {
    heading: 'Look:',
    commands: [
      {
        name: 'get',
        summary: 'list what a repository declares',
        load: async context => (await import('./commands/get/command.ts')).getCommand(context),
      },
      {
        name: 'describe',
        summary: 'tell everything about one resource',
        load: async context => (await import('./commands/describe/command.ts')).describeCommand(context),
      },
      {
        name: 'tree',
        summary: 'show who serves what',
        load: async context => (await import('./commands/tree/command.ts')).treeCommand(context),
      },
      {
        name: 'diff',
        summary: 'show what changed, and what it would do',
        load: async context => (await import('./commands/diff/command.ts')).diffCommand(context),
      },
      {
        name: 'log',
        summary: 'list what was done, to whatever resource',
        load: async context => (await import('./commands/log/command.ts')).logCommand(context),
      },
      {
        name: 'blame',
        summary: 'tell who made each line what it is',
        load: async context => (await import('./commands/blame/command.ts')).blameCommand(context),
      },
      {
        name: 'explain',
        summary: 'tell what a kind or a field is for',
        load: async context => (await import('./commands/explain/command.ts')).explainCommand(context),
      },
      {
        name: 'why',
        summary: 'tell why something is not there',
        load: async context => (await import('./commands/why/command.ts')).whyCommand(context),
      },
    ],
  },
  {
    heading: 'Connect:',
    commands: [
      {
        name: 'login',
        summary: 'keep a gateway’s address and token',
        load: async context => (await import('./commands/login/command.ts')).loginCommand(context),
      },
      {
        name: 'config',
        summary: 'configure Claude Code, or choose the gateway',
        load: async context => (await import('./commands/config/command.ts')).configCommand(context),
      },
      {
        name: 'import',
        summary: 'make servers of what an AI client is configured with',
        load: async context => (await import('./commands/import/command.ts')).importCommand(context),
      },
      {
        name: 'export',
        summary: 'let an AI client use a project',
        load: async context => (await import('./commands/export/command.ts')).exportCommand(context),
      },
      {
        name: 'connect',
        summary: 'be a project of a gateway on stdin and stdout, for an AI client',
        load: async context => (await import('./commands/connect/command.ts')).connectCommand(context),
      },
    ],
  },
  {
    heading: 'Skills:',
    commands: [
      {
        name: 'skills',
        summary: 'bring skills onto this disk, for AI clients',
        load: async context => (await import('./commands/skills/command.ts')).skillsCommand(context),
      },
    ],
  },
  {
    heading: 'Check:',
    commands: [
      {
        name: 'validate',
        summary: 'check every file of a repository',
        load: async context => (await import('./commands/validate/command.ts')).validateCommand(context),
      },
      {
        name: 'plan',
        summary: 'show what a change would do',
        load: async context => (await import('./commands/plan/command.ts')).planCommand(context),
      },
    ],
  },
  {
    heading: 'Change:',
    commands: [
      {
        name: 'init',
        summary: 'make a new repository',
        load: async context => (await import('./commands/init/command.ts')).initCommand(context),
      },
      {
        name: 'create',
        summary: 'declare a new resource',
        load: async context => (await import('./commands/create/command.ts')).createCommand(context),
      },
      {
        name: 'edit',
        summary: 'change a resource in an editor',
        load: async context => (await import('./commands/edit/command.ts')).editCommand(context),
      },
      {
        name: 'delete',
        summary: 'take resources out of the working tree',
        load: async context => (await import('./commands/delete/command.ts')).deleteCommand(context),
      },
      {
        name: 'restore',
        summary: 'write a resource as it was',
        load: async context => (await import('./commands/restore/command.ts')).restoreCommand(context),
      },
      {
        name: 'apply',
        summary: 'write resources from YAML or JSON',
        load: async context => (await import('./commands/apply/command.ts')).applyCommand(context),
      },
      {
        name: 'lock',
        summary: 'pin what npm servers depend on',
        load: async context => (await import('./commands/lock/command.ts')).lockCommand(context),
      },
    ],
  },
  {
    heading: 'Propose and review:',
    commands: [
      {
        name: 'propose',
        summary: 'publish what the working tree changes as a proposal',
        load: async context => (await import('./commands/propose/command.ts')).proposeCommand(context),
      },
      {
        name: 'review',
        summary: 'see what is proposed and what it would do, and decide',
        load: async context => (await import('./commands/review/command.ts')).reviewCommand(context),
      },
      {
        name: 'hooks',
        summary: 'let git check what is committed and pushed',
        load: async context => (await import('./commands/hooks/command.ts')).hooksCommand(context),
      },
    ],
  },
  {
    heading: 'Trust:',
    commands: [
      {
        name: 'trust',
        summary: 'make, pin, change and show the root of trust',
        load: async context => (await import('./commands/trust/command.ts')).trustCommand(context),
      },
      {
        name: 'release',
        summary: 'sign what the last commit has as a release',
        load: async context => (await import('./commands/release/command.ts')).releaseCommand(context),
      },
      {
        name: 'rollback',
        summary: 'release the content of an earlier release again',
        load: async context => (await import('./commands/rollback/command.ts')).rollbackCommand(context),
      },
      {
        name: 'verify',
        summary: 'check a release by the root pinned on this machine',
        load: async context => (await import('./commands/verify/command.ts')).verifyCommand(context),
      },
    ],
  },
  {
    heading: 'Set up:',
    commands: [
      {
        name: 'version',
        summary: 'show the version, and what it speaks',
        load: async context => (await import('./commands/version/command.ts')).versionCommand(context),
      },
      {
        name: 'bootstrap',
        summary: 'run mcpctl itself in a Kubernetes cluster',
        load: async context => (await import('./commands/bootstrap/command.ts')).bootstrapCommand(context),
      },
      {
        name: 'doctor',
        summary: 'check this machine: what is there, what is missing',
        load: async context => (await import('./commands/doctor/command.ts')).doctorCommand(context),
      },
      {
        name: 'uninstall',
        summary: 'remove what mcpctl put on this machine',
        load: async context => (await import('./commands/uninstall/command.ts')).uninstallCommand(context),
      },
      {
        name: 'completion',
        summary: 'print a script that completes commands and names',
        load: async context => (await import('./commands/completion/command.ts')).completionCommand(context),
      },
      {
        name: '__complete',
        summary: 'answer a shell that completes a command line',
        hidden: true,
        load: async context => (await import('./commands/completion/command.ts')).completeCommand(context),
      },
    ],
  },
];

/** Every row, without the headings. */
export const commandRows: readonly CommandRow[] = commandTable.flatMap(({ commands }) => commands);
