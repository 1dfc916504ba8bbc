import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token; Host and Origin are checked all the same. */
    open?: boolean;
  }
}

export interface SecurityOptions {
  token: string;
  /** Values of `Host` that are ours; known once the port is. */
  hosts: () => ReadonlySet<string>;
}

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * On every route, also those that do not exist: security headers, Host and Origin (against DNS rebinding and foreign
 * web pages), and the bearer token but on routes that are `open`.
 */
export function addSecurity(app: FastifyInstance, { token, hosts }: SecurityOptions): void {
  const isToken = tokenCheck(token);
  app.addHook('onRequest', (request, reply, done) => {
    for (const [name, value] of Object.entries(HEADERS)) reply.raw.setHeader(name, value);
    const { host, origin } = request.headers;
    if (!host || !hosts().has(host.toLowerCase())) return refuse(reply, 'The Host header does not name this gateway');
    if (origin !== undefined && !LOOPBACK_ORIGIN.test(origin)) return refuse(reply, 'The Origin header is not allowed');
    if (request.routeOptions.config.open || isToken(bearer(request))) return done();
    void reply.header('WWW-Authenticate', 'Bearer realm="mcpctl"');
    sendProblem(reply, 401, 'DAEMON_REFUSED', 'The access token is missing or wrong', {
      hint: 'Send `Authorization: Bearer TOKEN`; `mcpctl up` showed the token when it first started.',
    });
  });
}

/** Whether `signature` is `sha256=` and the HMAC-SHA256 of the body, compared in constant time. */
export function isSignedWith(secret: string, body: Buffer, signature: string): boolean {
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return isSame(digest(expected), signature);
}

function refuse(reply: FastifyReply, message: string): void {
  sendProblem(reply, 403, 'DAEMON_REFUSED', message, { hint: 'Use the address that `mcpctl up` shows.' });
}

function tokenCheck(token: string): (given: string | undefined) => boolean {
  const expected = digest(token);
  return given => given !== undefined && isSame(expected, given);
}

function bearer(request: FastifyRequest): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Digests have one length, so that the comparison tells nothing about the text's. */
function isSame(expected: Buffer, given: string): boolean {
  return timingSafeEqual(expected, digest(given));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
