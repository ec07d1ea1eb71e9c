// Whom a new connection counts for. Many honest clients come through one gateway; the operator names those,
// and each connection through them stands for itself.
import { BlockList, isIPv6 } from 'node:net';
import { hostOf, sourceOf } from '../../../domain/identity/source.ts';

/** An address range, such as `10.0.0.0/8`. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
}

export class Sources {
  readonly #gateways = new BlockList();

  constructor(gateways: readonly AddressRange[]) {
    for (const { address, prefix } of gateways) this.#gateways.addSubnet(address, prefix, familyOf(address));
  }

  /** @param remoteAddress `host:port` @returns its IPv4 address or IPv6 /64; through a gateway, the connection itself. */
  of(remoteAddress: string): string {
    const host = hostOf(remoteAddress);
    const relayed = host !== undefined && this.#gateways.check(host, familyOf(host));
    return relayed ? remoteAddress : sourceOf(remoteAddress);
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
