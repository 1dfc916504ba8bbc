import { type FileEntry, type ParsedFile, parseFile } from '../../schema/index.ts';
import { serve } from './serve.ts';

// A reader process for tests whose parser falls for what a file says.
function parse(file: FileEntry, bytes: Uint8Array): ParsedFile {
  const text = Buffer.from(bytes).toString('utf8');
  if (text.includes('TRAP hang')) for (;;);
  if (text.includes('TRAP crash')) process.abort();
  if (text.includes('TRAP memory')) {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, Math.random));
  }
  return parseFile(file, bytes);
}

const [gitDir = '', path = '', keptIn = ''] = process.argv.slice(2);
serve({ gitDir, path, keptIn }, parse);
