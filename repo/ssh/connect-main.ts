/**
 * ssh's ProxyCommand: `connect-main HOST PORT` asks the proxy named in MCPCTL_SSH_PROXY for a connection and joins it
 * to its own standard input and output.
 */
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { getCACertificates } from 'node:tls';

const [host = '', port = ''] = process.argv.slice(2);
const proxy = new URL(process.env.MCPCTL_SSH_PROXY ?? '');
const name = host.includes(':') ? `[${host}]` : host;
const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
const headers = {
  host: `${name}:${port}`,
  ...(login !== ':' && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
};
const ask = proxy.protocol === 'https:' ? secure : plain;
const request = ask({
  host: proxy.hostname.replace(/^\[|\]$/g, ''),
  port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
  method: 'CONNECT',
  path: `${name}:${port}`,
  headers,
  timeout: 20_000,
  ...(proxy.protocol === 'https:' && { ca: [...getCACertificates('default'), ...getCACertificates('system')] }),
});

function fail(why: string): never {
  process.stderr.write(`proxy: ${why}\n`);
  process.exit(1);
}

request.on('connect', (response, socket, head) => {
  if (response.statusCode !== 200) fail(`${proxy.host} refused the connection with ${response.statusCode}`);
  socket.setTimeout(0);
  if (head.length > 0) process.stdout.write(head);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  socket.on('close', () => process.exit(0));
  socket.on('error', () => process.exit(1));
});
request.on('response', response => fail(`${proxy.host} answered ${response.statusCode}`));
request.on('timeout', () => fail(`${proxy.host} did not answer in time`));
request.on('error', error => fail(`${proxy.host}: ${error.message}`));
request.end();
