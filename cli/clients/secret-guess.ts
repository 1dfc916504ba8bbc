/** Names of variables, headers and options whose values are taken for secrets. */
const NAMES = [
  /(?:^|[_-])(?:TOKEN|KEY|APIKEY|SECRET|PAT|AUTH|AUTHORIZATION|CREDENTIALS?|COOKIE|DSN|JWT|PASS)$|[_-]PWD$/i,
  /PASS(?:WORD|WD|PHRASE)|SECRET|API_?-?KEY|ACCESS_?-?KEY|PRIVATE_?-?KEY|CONNECTION_?STRING/i,
  /[a-z](?:Token|Key)$/,
];

/** What tokens of well-known issuers, and other secrets, look like. */
const VALUES = [
  /(?:^|[^A-Za-z0-9])(?:sk|rk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{16,}/,
  /(?:^|[^A-Za-z0-9])(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hf_|npm_|pypi-|dop_v1_|shpat_|ntn_|lin_api_|figd_|SG\.|ya29\.)[A-Za-z0-9._-]{10,}/,
  /(?:^|[^A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/,
  /(?:^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}/,
  /(?:^|[^A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^(?:Bearer|Basic|Token) +\S{6,}/i,
  /[\s"'=:]Bearer +[^\s"'\\$%{]{6,}/i,
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:[^\s/?#@]+@/i,
  /[?&](?:access_?token|api_?key|key|token|password|secret|sig|signature)=[^&\s]+/i,
];

/** Shortest run of letters and digits without words in it that is taken for a secret. */
const RANDOM_LENGTH = 24;

/** Whether a variable, header or option of this name holds a secret, whatever the value. */
export function isSecretName(name: string): boolean {
  return NAMES.some(pattern => pattern.test(name));
}

/**
 * Whether a value looks like a secret by itself, or holds one: a shell's line, JSON and an address do. Errs on the
 * side of yes: a value taken for a secret costs one variable, a secret taken for a value ends up in git.
 */
export function isSecretValue(value: string): boolean {
  if (VALUES.some(pattern => pattern.test(value)) || namesSecret(value)) return true;
  const text = value.replace(DIGEST, '');
  return [...text.split(BETWEEN_WORDS), ...addressParts(text)].some(looksRandom);
}

/** What names contents, and is no secret. */
const DIGEST = /\bsha(?:1|256|384|512)[:-][A-Za-z0-9+/]{32,}=*/g;

/** What stands between the words of a shell's line or of JSON; a `=` at the end belongs to its word. */
const BETWEEN_WORDS = /[\s"'`\\,;|&<>()[\]{}]+|=(?=[^=\s])/;

/**
 * `NAME=value`, `"name": "value"`, `X-Name: value` and `--name value` within a text. Of a name before a bare `:`, only
 * one of a header counts: `auth:8080` is a host. A value is only looked at, for it can hold names itself.
 */
const NAMED = [
  /(?<![\w$%{.-])-{0,2}([A-Za-z][\w.-]*)\s?=\s?(?![=>])(?=([^\s;&|]{0,200}))/g,
  /["']([A-Za-z][\w.-]*)\\*["']\s*:\s*(?=([[\s]*\\*["'][^"']{0,200}|[^\s,;}]{0,200}))/g,
  /(?<![\w$%{./-])(X-[\w-]+|Authorization|Cookie|[A-Za-z][\w-]*(?=:\s)):\s*((?:(?:Bearer|Basic|Token)\s+)?[^\s;]*)/gi,
  /(?<!\S)["']?--([A-Za-z][\w-]*)\s+([^\s;|-][^\s;|]*)/g,
];

/** What stands for a value that is somewhere else, or for none. */
const NO_VALUE = /^(?:(?:Bearer|Basic|Token)?\s*$|(?:(?:Bearer|Basic|Token)\s+)?[$%`{]|(?:true|false|null|none)\b)/i;

/** Whether something in a text is given a value, and its name is a secret's. */
function namesSecret(text: string): boolean {
  return NAMED.some(pattern =>
    [...text.matchAll(pattern)].some(
      ([, name = '', value = '']) =>
        isSecretName(name) && !NO_VALUE.test(value.replace(/^[\s"'\\[]+|["'\\\],]+$/g, '')),
    ),
  );
}

/** Everything of the addresses in a text but their hosts; who has such an address may often use what is there. */
function addressParts(text: string): string[] {
  const addresses = text.match(/(?:https?|wss?):\/\/[^\s"'`\\<>]+/gi) ?? [];
  return addresses.flatMap(address =>
    address.replace(/^\w+:\/\/(?:([^/?#@]*)@)?[^/?#]*/, '$1').split(/[^A-Za-z0-9_-]+/),
  );
}

/** Letters and digits mixed in one long run, as in `3f9a…`; no path, no sentence, no dashed words. */
function looksRandom(value: string): boolean {
  if (!/^[A-Za-z0-9+/=_-]+$/.test(value) || value.length < RANDOM_LENGTH || value.startsWith('/')) return false;
  const runs = value.split(/[/_-]/).filter(run => !/^(?:[A-Z]?[a-z]{1,20}|[A-Z]{1,20}|\d{1,8})$/.test(run));
  const mixed = runs.filter(run => /\d/.test(run) && /[A-Za-z]/.test(run));
  return mixed.join('').length >= RANDOM_LENGTH / 2;
}
