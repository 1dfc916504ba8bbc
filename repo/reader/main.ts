import { parseFile } from '../../schema/index.ts';
import { serve } from './serve.ts';

// The reader process: started by `openReader` with the git folder and the repository's root folder in it.
const [gitDir = '', path = ''] = process.argv.slice(2);
serve(gitDir, path, parseFile);
