import { execFileSync } from 'node:child_process';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { startGithubServer } from '../github-server.ts';
import type { TempRepository } from '../temp-repository.ts';

/** A GitHub of the tests that goes on answering while a test waits for git. */
export interface ApartServer {
  url: string;
  api: string;
  close(): Promise<unknown>;
}

/** It serves a bare repository and asks for no approvals. @param repository `folder`: where `bare` is */
export async function startGithubApart({
  bare,
  folder,
}: Pick<TempRepository, 'bare' | 'folder'>): Promise<ApartServer> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { bare, folder } });
  const { url, api } = await new Promise<{ url: string; api: string }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { url, api, close: () => worker.terminate() };
}

if (parentPort && workerData?.bare) {
  const server = await startGithubServer();
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' });
  server.reset({ ...workerData, git });
  server.settings.approvals = 0;
  parentPort.postMessage({ url: server.url, api: server.api });
}
