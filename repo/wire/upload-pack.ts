import type { LightAnswer, LightHttp } from '../../host/index.ts';
import type { Oid, RefAt } from '../types.ts';
import type { ObjectFormat } from './object-set.ts';
import { delimiterPacket, FLUSH, flushPacket, type Packet, packet, readPackets, textOf } from './packets.ts';

/** What a server said it can, as far as it matters here. */
export interface Capabilities {
  format: ObjectFormat;
  /** It can leave contents out. */
  filter: boolean;
  /** What goes along with each command: a server takes only what it named itself. */
  given: readonly string[];
}

/** A repository behind a web server. */
export interface WebRemote {
  http: LightHttp;
  url: string;
  headers: Readonly<Record<string, string>>;
}

/** A web server answered, but not with what was asked for. */
export class WebAnswer extends Error {
  readonly status: number;
  readonly location: string | undefined;

  constructor(status: number, location: string | undefined, message: string) {
    super(message);
    this.status = status;
    this.location = location;
  }
}

/** The server does not speak protocol version 2 over HTTP. */
export class Unsupported extends Error {}

const SERVICE = 'git-upload-pack';
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Ask what the server can (gitprotocol-v2(5), gitprotocol-http(5)). @throws Unsupported, WebAnswer, or Node’s error */
export async function askCapabilities(remote: WebRemote, signal: AbortSignal): Promise<Capabilities> {
  const answer = await send(remote, `info/refs?service=${SERVICE}`, undefined, signal);
  const packets = bounded(readPackets(answer.body), MAX_LINE_BYTES);
  const lines: string[] = [];
  let wrapped = false;
  for await (const one of packets) {
    if (one === FLUSH && !wrapped && lines.length === 1 && lines[0]?.startsWith('# service=')) {
      // A web server that has several services names first the one that answers.
      wrapped = lines.splice(0).length > 0;
    } else lines.push(textOf(one));
  }
  if (lines[0] !== 'version 2') throw new Unsupported('it does not speak version 2 of git’s protocol');
  const value = (name: string) => lines.find(line => line === name || line.startsWith(`${name}=`));
  const fetch = value('fetch')?.slice('fetch='.length).split(' ') ?? [];
  if (!value('ls-refs') || !value('fetch')) throw new Unsupported('it offers nothing to fetch');
  const format = value('object-format')?.slice('object-format='.length) ?? 'sha1';
  if (format !== 'sha1' && format !== 'sha256')
    throw new Unsupported(`it has object ids of \`${format.slice(0, 20)}\``);
  const given = [
    ...(value('agent') ? ['agent=mcpctl'] : []),
    ...(value('object-format') ? [`object-format=${format}`] : []),
  ];
  return { format, filter: fetch.includes('filter'), given };
}

/** The refs that begin with one of these. */
export async function askRefsWith(
  remote: WebRemote,
  { given }: Capabilities,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<RefAt[]> {
  const lines = prefixes.map(prefix => packet(`ref-prefix ${prefix}\n`)).join('');
  const body = `${command('ls-refs', given)}${delimiterPacket}${lines}${flushPacket}`;
  const answer = await send(remote, SERVICE, body, signal);
  const refs: RefAt[] = [];
  let ended = false;
  for await (const one of bounded(readPackets(answer.body), MAX_LINE_BYTES)) {
    if (one === FLUSH) ended = true;
    const [, oid, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)/.exec(textOf(one)) ?? [];
    if (oid !== undefined && ref !== undefined) refs.push({ oid, ref });
  }
  if (!ended) throw new Error('the answer is not whole');
  return refs;
}

export interface PackRequest {
  wants: readonly Oid[];
  /**
   * What is here already; what it leads to is left out. Then what comes may be told as a difference from something that is
   * not here all the same: see `unpack`.
   */
  haves: readonly Oid[];
  /** Take commits without their history. */
  shallow: boolean;
  /** Which contents are left out, where the server can. */
  filter: string | undefined;
  maxBytes: number;
}

/** Fetch what is wanted, as one pack. @throws Error when there is too much, or the server says why not */
export async function askPack(
  remote: WebRemote,
  { given, filter: canFilter }: Capabilities,
  { wants, haves, shallow, filter, maxBytes }: PackRequest,
  signal: AbortSignal,
): Promise<Buffer> {
  const lines = [
    ...['no-progress', 'ofs-delta'],
    // Without this, git does not leave out what a commit of other history has in common.
    ...(haves.length > 0 ? ['thin-pack'] : []),
    ...(shallow ? [...haves.map(oid => `shallow ${oid}`), 'deepen 1'] : []),
    ...(filter !== undefined && canFilter ? [`filter ${filter}`] : []),
    ...wants.map(oid => `want ${oid}`),
    ...haves.map(oid => `have ${oid}`),
    'done',
  ].map(line => packet(`${line}\n`));
  const body = `${command('fetch', given)}${delimiterPacket}${lines.join('')}${flushPacket}`;
  const answer = await send(remote, SERVICE, body, signal);
  const parts: Buffer[] = [];
  let inPack = false;
  for await (const one of bounded(readPackets(answer.body), maxBytes)) {
    const text = inPack ? '' : textOf(one);
    if (text === 'packfile') inPack = true;
    else if (text.startsWith('ERR ')) throw new Error(text.slice(4, 400));
    else if (inPack && typeof one !== 'symbol' && one[0] === 1) parts.push(one.subarray(1));
    else if (inPack && typeof one !== 'symbol' && one[0] === 3) throw new Error(one.toString('utf8', 1, 400).trim());
  }
  return Buffer.concat(parts);
}

function command(name: string, given: readonly string[]): string {
  return [`command=${name}\n`, ...given].map(packet).join('');
}

async function send(
  { http, url, headers }: WebRemote,
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<LightAnswer> {
  const answer = await http.request(`${url.replace(/\/+$/, '')}/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...headers,
      'git-protocol': 'version=2',
      ...{ accept: '*/*', 'user-agent': 'git/mcpctl' },
      ...(body !== undefined && {
        'content-type': `application/x-${SERVICE}-request`,
        accept: `application/x-${SERVICE}-result`,
      }),
    },
    signal,
    ...(body !== undefined && { body }),
  });
  const { status } = answer;
  const type = answer.headers['content-type'] ?? '';
  const expected = `application/x-${SERVICE}-${body === undefined ? 'advertisement' : 'result'}`;
  if (status === 200 && type === expected) return answer;
  answer.discard();
  if (status === 200) throw new Unsupported('it is no web server of git’s smart protocol');
  throw new WebAnswer(status, answer.headers.location, `HTTP ${status}`);
}

/** Packets as long as they are not too much. */
async function* bounded(packets: AsyncIterable<Packet>, maxBytes: number): AsyncGenerator<Packet> {
  let bytes = 0;
  for await (const one of packets) {
    bytes += 4 + (typeof one === 'symbol' ? 0 : one.length);
    if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    yield one;
  }
}
