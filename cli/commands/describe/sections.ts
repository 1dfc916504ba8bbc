import { type AnyResource, printYaml } from '../../../schema/index.ts';
import { harmless } from '../../output.ts';

/** A part of a description under a heading of its own. */
export interface Section {
  heading: string;
  /** Ends in a newline. */
  text: string;
}

/** A resource's spec as people read it: long texts and lists of files stand by themselves, what is empty is left out. */
export function specSections(resource: AnyResource): Section[] {
  const { content, files, ...rest } = resource.spec as Record<string, unknown>;
  const fields = withoutEmpty(rest);
  const sections: Section[] = [];
  if (Object.keys(fields).length > 0) sections.push({ heading: 'Spec', text: harmless(printYaml(fields)) });
  if (Array.isArray(files)) sections.push({ heading: 'Files', text: files.map(fileLine).join('') });
  if (typeof content === 'string')
    sections.push({ heading: 'Content', text: `${harmless(content).replace(/\n+$/, '')}\n` });
  return sections;
}

function fileLine(file: unknown): string {
  const { path, mode, size } = file as { path?: string; mode?: string; size?: number };
  return `${mode}  ${String(size).padStart(8)}  ${path}\n`;
}

/** Without empty lists and mappings, which are defaults that say nothing. */
function withoutEmpty(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== undefined && (typeof member !== 'object' || Object.keys(member ?? {}).length > 0),
    ),
  );
}
