import { z } from 'zod';
import type { Report } from '../forge.ts';
import type { GithubApi } from './api.ts';
import type { OpenPull } from './pulls.ts';

/** By this line our comment is found again; nobody sees it. */
const MARK = '<!-- mcpctl/plan -->';
/** GitHub takes 65,536 characters. */
const MAX_COMMENT = 60_000;
const STATUS = 'mcpctl/plan';

const Comments = z.object({
  repository: z.object({
    pullRequest: z.object({
      comments: z.object({
        pageInfo: z.object({ hasPreviousPage: z.boolean(), startCursor: z.string().nullable() }),
        nodes: z.array(z.object({ databaseId: z.coerce.string(), viewerDidAuthor: z.boolean(), body: z.string() })),
      }),
    }),
  }),
});
const COMMENTS = `query Comments($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(last: 100, before: $before) {
        pageInfo { hasPreviousPage startCursor }
        nodes { databaseId viewerDidAuthor body }
      }
    }
  }
}`;

/** Say what a pull request would do: a status of its commit, and one comment that is kept up to date. */
export async function publishReport(api: GithubApi, pull: OpenPull, report: Report): Promise<void> {
  await api.call(z.unknown(), 'POST /repos/{owner}/{repo}/statuses/{sha}', {
    sha: report.head,
    state: report.valid ? 'success' : 'failure',
    context: STATUS,
    description: report.summary.slice(0, 140),
  });
  const full = `${MARK}\n${report.text}`;
  const body =
    full.length <= MAX_COMMENT
      ? full
      : `${full.slice(0, MAX_COMMENT)}\n\n… and more: \`mcpctl review diff ${report.id}\``;
  const own = await ownComment(api, pull.number);
  if (own?.body === body) return;
  if (own) {
    await api.call(z.unknown(), 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      comment_id: own.id,
      body,
    });
    return;
  }
  await api.call(z.unknown(), 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
    issue_number: pull.number,
    body,
  });
}

/** A comment with our line that we wrote ourselves: anybody can write the line. */
async function ownComment(api: GithubApi, number: number): Promise<{ id: string; body: string } | undefined> {
  let before: string | null = null;
  for (let page = 0; page < 20; page++) {
    const answer: z.infer<typeof Comments> = await api.query(Comments, COMMENTS, { number, before });
    const { comments } = answer.repository.pullRequest;
    const own = comments.nodes.find(({ viewerDidAuthor, body }) => viewerDidAuthor && body.startsWith(MARK));
    if (own) return { id: own.databaseId, body: own.body };
    before = comments.pageInfo.startCursor;
    if (!comments.pageInfo.hasPreviousPage || before === null) break;
  }
  return undefined;
}
