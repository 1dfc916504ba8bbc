import { Argument, Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl bootstrap kubernetes [REPO]`: mcpctl itself in a cluster. */
export function bootstrapCommand(context: CliContext): Command {
  return new Command('bootstrap')
    .description(
      'Run mcpctl itself in a Kubernetes cluster: one reconciler and several gateways that follow REPO. Prints what is ' +
        'needed, or applies it to the current context (or $MCPCTL_KUBE_CONTEXT) by server-side apply. What is printed is ' +
        'the kustomize base of docs/deploy/kubernetes/, filled in.',
    )
    .addArgument(new Argument('<place>', 'where it shall run').choices(['kubernetes']))
    .argument('[repo]', 'URL of the repository, as the pods reach it; needed unless it is only printed')
    .option('--namespace <name>', 'the namespace', parseName)
    .option('--name <name>', 'of this installation, where a cluster has several', parseName)
    .option('--image <image>', 'the image of mcpctl, made with docs/deploy/Dockerfile')
    .option('--runner-node <image>', 'the image that runs npm packages and commands')
    .option('--runner-python <image>', 'the image that runs packages of PyPI')
    .option('--host-name <name>', 'by which clients reach the gateways')
    .option('--gateways <number>', 'how many gateways', parseCount)
    .option(
      '--project-namespaces <projects>',
      'for `spec.kubernetes.namespaces: project` of mcpctl.yaml: `team,sales` prepares a namespace for each of these ' +
        'projects; `*` lets mcpctl make them for all, which takes rights in all namespaces of the cluster',
      parseProjects,
    )
    .option('--dry-run', 'print it, and ask no cluster')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl bootstrap kubernetes --dry-run
  $ mcpctl bootstrap kubernetes https://git.example.com/ai.git --image registry.example.com/mcpctl:1 --dry-run | kubectl apply --server-side -f -
  $ mcpctl bootstrap kubernetes https://git.example.com/ai.git --image registry.example.com/mcpctl:1 --gateways 3
  $ mcpctl bootstrap kubernetes --project-namespaces team,sales --dry-run

Exit codes: 0 printed or applied · 1 failed · 2 wrong usage`,
    )
    .action(async (_place: string, repository: string | undefined, options, command: Command) => {
      if (repository === undefined && options.dryRun !== true) {
        command.error("error: missing argument 'repo': what shall be followed?");
      }
      const { runBootstrap } = await import('./run.ts');
      context.finish(await runBootstrap({ ...context, ...(repository !== undefined && { repository }), ...options }));
    });
}

function parseName(text: string): string {
  if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError('lowercase letters, digits and dashes.');
  return text;
}

function parseProjects(text: string): string[] | '*' {
  if (text === '*') return text;
  const projects = text.split(',');
  const wrong = projects.find(project => !PROJECT.test(project));
  if (wrong !== undefined) throw new InvalidArgumentError(`\`${wrong}\` is no name of a project.`);
  return [...new Set(projects)];
}

const PROJECT = /^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/;

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('a number from 1 to 999.');
  return Number(text);
}
