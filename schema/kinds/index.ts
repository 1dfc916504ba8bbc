export { Lock } from './lock.ts';
export { Project } from './project.ts';
export { Prompt } from './prompt.ts';
export { Repository } from './repository.ts';
export { Secret } from './secret.ts';
export { Server } from './server.ts';
