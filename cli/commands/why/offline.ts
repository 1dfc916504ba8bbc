import { hiddenBy, isExposed, type Problem, type Resource } from '../../../schema/index.ts';
import { type Declared, isBroken, type Loaded } from '../../load-catalog.ts';
import { membersOf } from '../../project-members.ts';
import { refersTo } from '../../relations.ts';
import type { Subject } from './subject.ts';

/** One thing that was looked at. */
export interface Step {
  /** `yes`: all is well; `no`: this is why it is not there; `unknown`: it cannot be told from here. */
  answer: 'yes' | 'no' | 'unknown';
  text: string;
  /** The next command or edit, where there is one. */
  next?: string;
}

const served = new Set(['Server', 'Prompt', 'Skill']);

/** What the working tree tells: is it declared, is it valid, does a project serve it, is it hidden. */
export function offlineSteps(loaded: Loaded, subject: Subject, project: string | undefined): Step[] {
  const { declared, name, near, tool } = subject;
  if (!declared) return [undeclared(name, near)];
  const steps: Step[] = [
    { answer: 'yes', text: `${declared.id} is declared in ${declared.file}` },
    ...validity(declared),
    ...dependencies(loaded, declared),
  ];
  if (declared.resource?.kind === 'Server' && declared.resource.spec.replicas === 0) {
    steps.push({ answer: 'no', text: '`spec.replicas` is 0: it is stopped', next: `set it to 1 in ${declared.file}` });
  }
  if (!served.has(declared.row.kind)) return steps;
  const projects = servingProjects(loaded, declared);
  steps.push(membership(loaded, declared, projects, project));
  if (tool !== undefined) {
    const asked = projects.filter(one => project === undefined || one.name === project);
    steps.push(...hiding(asked, `${declared.name}__${tool}`));
  }
  return steps;
}

function undeclared(name: string, near: string | undefined): Step {
  return {
    answer: 'no',
    text: `nothing is named \`${name}\` in this repository`,
    next: near === undefined ? 'mcpctl get all -o name' : `did you mean \`${near}\`? mcpctl why ${near}`,
  };
}

function validity({ resource, problems }: Declared): Step[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (resource && errors.length === 0) return [{ answer: 'yes', text: 'it is valid' }];
  return errors.map(problemStep);
}

/** What it names may be broken though it is not. */
function dependencies({ catalog, declared }: Loaded, { resource }: Declared): Step[] {
  const named = new Set(resource ? refersTo(catalog, resource).map(({ id }) => id) : []);
  return declared
    .filter(one => named.has(one.id) && isBroken(one))
    .map(one => ({
      answer: 'no',
      text: `${one.id}, which it names, is broken`,
      next: `mcpctl why ${one.row.singular}/${one.name}`,
    }));
}

export function problemStep({ code, message, hint, at }: Problem): Step {
  const where = at ? `${[at.file, at.line, at.column].filter(part => part !== undefined).join(':')}: ` : '';
  return { answer: 'no', text: `${where}${message} [${code}]`, next: hint };
}

function servingProjects({ catalog }: Loaded, { id }: Declared): Resource<'Project'>[] {
  return catalog
    .list('Project')
    .filter(project => Object.values(membersOf(catalog, project)).some(ids => ids.includes(id)));
}

function membership(
  loaded: Loaded,
  { row, name }: Declared,
  projects: readonly Resource<'Project'>[],
  wanted: string | undefined,
): Step {
  const names = projects.map(project => project.name);
  if (wanted === undefined ? names.length > 0 : names.includes(wanted)) {
    return { answer: 'yes', text: `it is in ${names.length === 1 ? 'project' : 'the projects'} ${names.join(', ')}` };
  }
  const target = wanted ?? loaded.catalog.list('Project')[0]?.name;
  const file = loaded.declared.find(({ id }) => id === `project/${target}`)?.file;
  const elsewhere =
    names.length === 0 ? 'no project serves it' : `the project \`${wanted}\` does not; ${names.join(', ')} does`;
  if (wanted !== undefined && file === undefined) {
    return { answer: 'no', text: `there is no project \`${wanted}\``, next: 'mcpctl get projects' };
  }
  return {
    answer: 'no',
    text: elsewhere,
    next: file === undefined ? `mcpctl create project NAME` : `add \`${name}\` to \`spec.${row.plural}\` in ${file}`,
  };
}

/** A tool may be kept from clients by the project that serves its server. */
function hiding(projects: readonly Resource<'Project'>[], tool: string): Step[] {
  return projects.flatMap(({ name, file, spec }): Step[] => {
    const pattern = hiddenBy(spec, tool);
    if (pattern !== undefined) {
      const text = `the project \`${name}\` hides it: \`spec.hide\` has \`${pattern}\``;
      return [{ answer: 'no', text, next: `remove the pattern from ${file}` }];
    }
    if (isExposed(spec, tool)) return [];
    const text = `the project \`${name}\` does not expose it: \`spec.expose\` lists other tools only`;
    return [{ answer: 'no', text, next: `add \`${tool}\` to \`spec.expose\` in ${file}` }];
  });
}
