import { join } from 'node:path';
import { applyObjects, type DeclaredObject } from '../../../reconciler/index.ts';
import { asProblem, printYaml } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { done, showProblem, step } from '../../style.ts';
import { type BaseSettings, baseFolder, fillBase, readBase, readProjectAccess } from './base.ts';
import { anyNamespaces, preparedNamespaces } from './projects.ts';

export interface BootstrapOptions extends CliContext, BaseSettings {
  dryRun?: boolean;
  /** For which projects namespaces are prepared; `*`: mcpctl may make them. */
  projectNamespaces?: readonly string[] | '*';
}

/** Print what runs mcpctl itself in a cluster, or apply it. */
export async function runBootstrap(options: BootstrapOptions): Promise<ExitCode> {
  const { io, env, dryRun } = options;
  try {
    const objects = objectsFor(options);
    if (dryRun === true) {
      io.stdout(objects.map(printYaml).join('---\n'));
      return ExitCodes.ok;
    }
    const context = await applyObjects(objects, env, object => step(io, object));
    done(io, `applied in context ${context}`);
    const namespace = options.namespace ?? 'mcpctl';
    io.stderr(
      'The token of the gateways is a Secret of yours:\n' +
        `  kubectl -n ${namespace} create secret generic mcpctl-token --from-literal=token="$(openssl rand -base64 32)"\n`,
    );
    return ExitCodes.ok;
  } catch (error) {
    io.stderr(showProblem(io, asProblem(error)));
    return ExitCodes.failed;
  }
}

function objectsFor(options: BootstrapOptions): DeclaredObject[] {
  const { projectNamespaces: projects = [], namespace = 'mcpctl', name = 'mcpctl' } = options;
  const root = packageRoot(options);
  const base = fillBase(readBase(baseFolder(root)), options);
  const installation = { namespace, name };
  if (projects !== '*') return [...base, ...preparedNamespaces(base, projects, installation)];
  return [...base, ...anyNamespaces(fillBase(readProjectAccess(root), options), installation)];
}

/** Where `docs/` is: beside `cli/`, whose file was started. */
function packageRoot({ self }: CliContext): string {
  return join(self?.[1] ?? import.meta.filename, '..', '..');
}
