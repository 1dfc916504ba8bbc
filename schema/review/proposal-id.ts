const FORM = /^[a-z]+-[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9a-f]{6}$/;

/** Whether a text is `<kind>-<name>-<6 hex digits>`: safe as a part of a ref, a path and an argument. */
export function isProposalId(text: string): boolean {
  return text.length <= 160 && FORM.test(text);
}
