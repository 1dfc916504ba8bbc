import { resolveRevision, restorable } from '../../../repo/history/index.ts';
import { decodeSource, type FileContent } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import type { Declared, Loaded, Place } from '../../load-catalog.ts';
import { atHistory } from '../../read-files.ts';
import { readContent } from '../../write-files.ts';

/** The text of a resource's main file as it stands there, for when it says nothing valid; undefined when it is none. */
export async function rawText(
  context: Pick<CliContext, 'env'>,
  { root }: Loaded,
  { file, id }: Declared,
  { at, about, staged }: Place,
): Promise<string | undefined> {
  let content: FileContent | undefined;
  if (at !== undefined) {
    const files = await atHistory(context, root, async history =>
      restorable(history, await resolveRevision(history, at, about), id),
    );
    content = files?.get(file);
  } else if (staged !== true) content = await readContent(root, file).catch(() => undefined);
  const source = content && decodeSource(file, content.bytes);
  return source && 'text' in source ? source.text : undefined;
}
