// The certificate of the console in a configuration, looked at without a server: whether browsers that come by the name they are
// told of would take it.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Config } from '../../../../config/schema.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { noShownCertificate, type ShownFiles } from './shown-certificate.ts';

export interface CheckedCertificate {
  /** With which a server would not start. */
  readonly problem?: string;
  /** What browsers would say. */
  readonly warning?: string;
}

/** @returns nothing of note where there is no console. */
export async function checkShownCertificate(
  { listen: { console }, serving }: Pick<Config, 'listen' | 'serving'>,
  clock: Pick<Clock, 'nowMs'>,
): Promise<CheckedCertificate> {
  const { address, oneTimeLink, url, chainFile, keyFile } = console;
  if (address === undefined || oneTimeLink) return {};
  const host = url === undefined ? undefined : new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (chainFile === undefined || keyFile === undefined) {
    const isNamed = host === undefined || [...serving.dnsNames, ...serving.ipAddresses].includes(host);
    return isNamed
      ? {}
      : { warning: `${OWN} has no name ${host}: add it to serving, or name listen.console.chainFile` };
  }
  const shown = await shownIn({ chainFile, keyFile });
  if (shown === undefined) return { problem: noShownCertificate({ chainFile, keyFile }) };
  if (host !== undefined && !isFor(shown, host))
    return { warning: `the certificate in ${chainFile} has no name ${host}` };
  return shown.validToDate.getTime() > clock.nowMs() ? {} : { warning: `the certificate in ${chainFile} has ended` };
}

const OWN = 'the certificate of listen.tls, which the console shows without one of its own,';

const isFor = (shown: X509Certificate, host: string): boolean =>
  (isIP(host) === 0 ? shown.checkHost(host, { subject: 'never' }) : shown.checkIP(host)) !== undefined;

async function shownIn({ chainFile, keyFile }: ShownFiles): Promise<X509Certificate | undefined> {
  try {
    const [cert, key] = [await readFile(chainFile, 'utf8'), await readFile(keyFile, 'utf8')];
    createSecureContext({ cert, key });
    return new X509Certificate(cert);
  } catch {
    // Whatever is wrong with them: a server does not start with these files.
    return undefined;
  }
}
