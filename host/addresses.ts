import { type BlockList, isIP } from 'node:net';

/** What kind of network an IP address belongs to, as far as outbound connections care. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'forbidden';

let known: { forbidden: BlockList; loopback: BlockList; privateUse: BlockList } | undefined;

/** Made when an address is looked at first: most commands look at none. */
function lists() {
  known ??= {
    forbidden: blockList([
      ['0.0.0.0', 8], // unspecified, "this network"
      ['169.254.0.0', 16], // link-local, cloud metadata
      ['224.0.0.0', 4], // multicast
      ['240.0.0.0', 4], // reserved, broadcast
      ['::', 128],
      ['fe80::', 10],
      ['ff00::', 8],
      ['fd00:ec2::254', 128], // cloud metadata over IPv6
    ]),
    loopback: blockList([
      ['127.0.0.0', 8],
      ['::1', 128],
    ]),
    privateUse: blockList([
      ['10.0.0.0', 8],
      ['100.64.0.0', 10],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['fc00::', 7],
      ['fec0::', 10],
    ]),
  };
  return known;
}

/**
 * Classify a literal IP address. Link-local (cloud metadata with it), unspecified, multicast and reserved addresses are
 * `forbidden`, also when an IPv6 form (mapped, compatible, NAT64, 6to4) carries them.
 */
export function classifyAddress(address: string): AddressClass {
  const plain = address.replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 0) return 'forbidden';
  const embedded = version === 6 ? embeddedIPv4(plain) : undefined;
  if (embedded !== undefined) return classifyAddress(embedded);
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const { forbidden, loopback, privateUse } = lists();
  if (forbidden.check(plain, family)) return 'forbidden';
  if (loopback.check(plain, family)) return 'loopback';
  return privateUse.check(plain, family) ? 'private' : 'public';
}

/** The IPv4 address inside an IPv4-mapped, IPv4-compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056) address. */
function embeddedIPv4(address: string): string | undefined {
  const groups = expand(address);
  const [first = 0, second = 0, third = 0] = groups;
  const leading = groups.slice(0, 6);
  const low = dotted(groups[6] ?? 0, groups[7] ?? 0);
  if (first === 0x2002) return dotted(second, third);
  if (first === 0x64 && second === 0xff9b && groups.slice(2, 6).every(group => group === 0)) return low;
  if (!leading.slice(0, 5).every(group => group === 0)) return undefined;
  if (leading[5] === 0xffff) return low;
  // `::` and `::1` are addresses of their own.
  return leading[5] === 0 && (groups[6] !== 0 || (groups[7] ?? 0) > 1) ? low : undefined;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function expand(address: string): number[] {
  // The URL parser gives the one canonical form, without dotted quads.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(gap).fill('0'), ...after].map(group => Number.parseInt(group, 16));
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function blockList(subnets: readonly (readonly [string, number])[]): BlockList {
  // An `import` of it would load all of `node:net` wherever an address is never looked at.
  const { BlockList } = process.getBuiltinModule('node:net');
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}

/** The IP address that a URL's host is, if it is one; IPv6 without its brackets. */
export function literalAddress(hostname: string): string | undefined {
  const plain = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(plain) ? plain : undefined;
}

/** Whether a URL's host is this machine, by name or address; what may go without a proxy. */
export function isLoopbackHost(hostname: string): boolean {
  // What a URL has of IPv4 is always four numbers: no list is needed for it.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return hostname.startsWith('127.');
  const literal = literalAddress(hostname);
  if (literal !== undefined) return classifyAddress(literal) === 'loopback';
  return /(^|\.)localhost\.?$/i.test(hostname);
}
