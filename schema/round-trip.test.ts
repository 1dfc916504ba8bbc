import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDocument, type ResourceDocument, toDocument } from './document.ts';
import { parseFile } from './parse.ts';
import { referenceExamples } from './reference-examples.ts';
import type { AnyResource } from './resource.ts';

function filesOf(path: string, text: string) {
  return new Map([[path, { bytes: Buffer.from(text), mode: '100644' as const }]]);
}

function documentOf(path: string, text: string): ResourceDocument {
  const result = toDocument(filesOf(path, text));
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.document;
}

/** The one file that a document becomes, from nothing or over what stood there. */
function printed(
  document: ResourceDocument,
  before?: Map<string, { bytes: Buffer; mode: '100644' }>,
): [string, string] {
  const result = fromDocument(document, before);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  const [[path, file] = []] = result.files;
  if (path === undefined || !file) throw new Error('no file');
  return [path, Buffer.from(file.bytes).toString()];
}

function resourceOf(path: string, text: string): AnyResource {
  const { resource, problems } = parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text));
  if (!resource) throw new Error(JSON.stringify(problems));
  return resource;
}

describe.each(Object.values(referenceExamples).map(({ path, text }) => [path, text]))('%s', (path, text) => {
  it('shown and written back changes no byte', () => {
    const noted = path.endsWith('.yaml') ? `# why\n${text}# end\n` : text;
    expect(printed(documentOf(path, noted), filesOf(path, noted))).toEqual([path, noted]);
  });

  it('printed anew declares the same', () => {
    const [where, anew] = printed(documentOf(path, text));
    expect(where).toBe(path);
    const { spec, metadata } = resourceOf(path, text);
    expect(resourceOf(where, anew)).toMatchObject({ spec, metadata });
  });

  it('keeps what else is said of it', () => {
    const words = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[A-Za-z0-9]{0,8}$/), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), words, (description, labels) => {
        // The front matter of a skill has neither, and needs a description.
        const labelled = !path.endsWith('SKILL.md') && Object.keys(labels).length > 0;
        if (description.trim() === '' || !description.isWellFormed() || description.includes('\0')) return;
        const document = documentOf(path, text);
        Object.assign(document.metadata, { description, ...(labelled && { labels }) });
        const [where, anew] = printed(document, filesOf(path, text));
        const { metadata } = resourceOf(where, anew);
        expect(metadata.description).toBe(description);
        if (labelled) expect(metadata.labels).toEqual(labels);
      }),
      { numRuns: 40 },
    );
  });
});
