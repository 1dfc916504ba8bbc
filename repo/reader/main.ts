import { parseFile } from '../../schema/index.ts';
import { serve } from './serve.ts';

// The reader process: started by `openReader` with the git folder, the repository's root folder in it, and the file in
// which what was parsed is kept.
const [gitDir = '', path = '', keptIn = ''] = process.argv.slice(2);
serve({ gitDir, path, keptIn }, parseFile);
