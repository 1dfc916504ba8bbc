/** What an unquoted YAML scalar means, or why it means nothing that can be kept exactly. */
export type PlainValue = { value: string | number | boolean | null } | { refused: string };

/**
 * Resolve an unquoted scalar as YAML 1.2's core schema does (`no`, `12:30` and `1_000` are text), with two rules more:
 * a number with leading zeros (`014`) is text, and a number that a double cannot keep exactly is refused.
 */
export function plainValue(text: string): PlainValue {
  switch (text) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return { value: null };
    case 'true':
    case 'True':
    case 'TRUE':
      return { value: true };
    case 'false':
    case 'False':
    case 'FALSE':
      return { value: false };
  }
  return /^[-+]?\.?[0-9in]/i.test(text) ? numberOrText(text) : { value: text };
}

function numberOrText(text: string): PlainValue {
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(text)) return { refused: 'is not a finite number' };
  if (/^0x[0-9a-fA-F]+$|^0o[0-7]+$/.test(text)) return exactInteger(Number(text));
  if (/^[-+]?0[0-9]/.test(text)) return { value: text };
  if (/^[-+]?[0-9]+$/.test(text)) return exactInteger(Number(text));
  if (!/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return { value: text };
  const value = Number(text);
  const exact = Number.isFinite(value) && significant(text) === significant(String(value));
  return exact ? { value: withoutNegativeZero(value) } : { refused: 'has more digits than a number can keep' };
}

function exactInteger(value: number): PlainValue {
  if (!Number.isSafeInteger(value)) return { refused: 'has more digits than a number can keep' };
  return { value: withoutNegativeZero(value) };
}

function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value;
}

/** A decimal number's digits and exponent in one normal form, so that `1.50`, `1.5` and `15e-1` are the same text. */
function significant(text: string): string {
  const [mantissa = '', exponent = '0'] = text.replace(/^[-+]/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = trimZeros(digits);
  if (trimmed === '') return '0';
  return `${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}

function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}
