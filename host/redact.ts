const HIDDEN = '***';
const SHORTEST_SECRET = 4;

/** `scheme://user:password@`; both parts are bounded so that long hostile text costs linear time. */
const USERINFO = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#'"<>]{1,1000}@/gi;
const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s{0,5}[:=]\s{0,5})["']?(?:[a-z]{1,20} {1,3})?[^\s"',;]{1,4096}/gi;
const BEARER = /\b(bearer )[A-Za-z0-9._~+/=-]{8,4096}/gi;
const TOKEN_PARAMETER = /([?&](?:access_token|token|api_?key|password|secret|signature|sig)=)[^&\s"'<>]{1,4096}/gi;

/** C0 but tab and newline, DEL, C1, line separators, and the marks that reorder text on a terminal. */
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Make text of foreign origin fit to show and log: secrets, passwords in URLs and authorization values are replaced,
 * control characters are made visible (tab and newline stay), and the length is bounded.
 * @param secrets values to hide, and each line of one that has several: as they are, percent-encoded, JSON-escaped or
 *   in base64; those below 4 characters are left
 * @param maxLength in UTF-16 code units; what is longer is cut and ends in `…`
 */
export function redact(text: string, secrets: readonly string[], maxLength = 2_000): string {
  let clean = text;
  for (const form of secretForms(secrets)) clean = clean.replaceAll(form, HIDDEN);
  clean = clean
    .replace(USERINFO, `$1${HIDDEN}@`)
    .replace(AUTHORIZATION, `$1${HIDDEN}`)
    .replace(BEARER, `$1${HIDDEN}`)
    .replace(TOKEN_PARAMETER, `$1${HIDDEN}`)
    .replace(INVISIBLE, showCharacter);
  if (clean.length <= maxLength) return clean;
  return `${clean.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Longest first, so that a secret that contains another is hidden as a whole. */
function secretForms(secrets: readonly string[]): string[] {
  const forms = new Set<string>();
  // Whoever shows a value of several lines may join or cut them.
  for (const secret of [...secrets, ...secrets.flatMap(value => value.split(/\r?\n/))]) {
    if (secret.length < SHORTEST_SECRET) continue;
    forms.add(secret);
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
    forms.add(base64);
    forms.add(base64.replaceAll('+', '-').replaceAll('/', '_'));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(encodeURIComponent(secret.toWellFormed()));
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

function showCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
