// Paths from a leaf to a root, each with what Capstan says of it and what other verifiers say: one table for the unit
// test and for the peers. `go` and `openssl` say "take" or "refuse" of the leaf in both its uses; a row where they
// differ from Capstan says why.
import { KeyUsageFlags } from '@peculiar/x509';
import {
  CLIENT,
  inhibitAnyPolicy,
  mapPolicy,
  nameConstraints,
  policies,
  requireExplicitPolicy,
  SERVER,
  tiersAt,
  unknownExtension,
  type Tier,
  type TierOptions,
} from './tiers.ts';

export interface PathCase {
  readonly name: string;
  readonly root?: TierOptions;
  readonly upper?: TierOptions;
  readonly issuer?: TierOptions;
  readonly leaf?: TierOptions;
  /** What Capstan finds; nothing when the path holds. */
  readonly refused?: RegExp;
  /** Verifiers that take what Capstan refuses, and why Capstan does all the same. */
  readonly takenBy?: readonly ('openssl' | 'go' | 'envoy')[];
  readonly because?: string;
}

const NAMES = [
  { type: 'url', value: 'spiffe://cluster.local/ns/default/sa/demo' },
  { type: 'dns', value: 'capstan.example.com' },
  { type: 'ip', value: '192.0.2.7' },
] as const;
const POLICY = '1.3.6.1.4.1.55555.2';
const OTHER = '1.3.6.1.4.1.55555.3';
const NET = (last: number) => Uint8Array.of(192, 0, last, 0, 255, 255, 255, 0);
const permitted = (kind: 'dns' | 'uri', value: string) => ({
  more: [nameConstraints({ permitted: [{ kind, value }] })],
});
const excluded = (kind: 'dns' | 'uri', value: string) => ({ more: [nameConstraints({ excluded: [{ kind, value }] })] });

export const PATH_CASES: readonly PathCase[] = [
  { name: 'three tiers' },
  {
    name: 'path length 1 above one intermediate',
    root: { pathLength: 2 },
    upper: { pathLength: 1 },
    issuer: { pathLength: 0 },
  },
  {
    name: 'path length 0 above an intermediate',
    upper: { pathLength: 0 },
    refused: /CN=Upper allows 0 intermediates below it \(path length\), not 1/,
  },
  {
    name: 'path length 1 in a root above two',
    root: { pathLength: 1 },
    refused: /CN=Root allows 1 intermediate below it/,
  },
  {
    name: 'an issuer that is no CA',
    issuer: { ca: false, subject: 'CN=Issuer', usage: KeyUsageFlags.keyCertSign },
    refused: /CN=Issuer is not a CA certificate/,
  },
  {
    name: 'an issuer without keyCertSign',
    issuer: { usage: KeyUsageFlags.cRLSign },
    refused: /CN=Issuer may not sign certificates/,
  },
  { name: 'both uses in every CA', upper: { uses: [SERVER, CLIENT] }, issuer: { uses: [SERVER, CLIENT] } },
  { name: 'any use in a CA', upper: { uses: ['2.5.29.37.0'] } },
  {
    name: 'an issuer for servers only',
    issuer: { uses: [SERVER] },
    refused: /CN=Issuer may not stand above TLS clients/,
  },
  {
    name: 'a root for clients only',
    root: { uses: [CLIENT] },
    refused: /CN=Root may not stand above TLS servers/,
    takenBy: ['envoy'],
    because: 'Envoy is asked as a server only here',
  },
  {
    name: 'a critical extension that is unknown, in the middle',
    upper: { more: [unknownExtension(true)] },
    refused: /CN=Upper has a critical extension that nobody knows/,
  },
  {
    name: 'a critical extension that is unknown, in the root',
    root: { more: [unknownExtension(true)] },
    refused: /CN=Root has a critical/,
  },
  { name: 'an unknown extension that is not critical', upper: { more: [unknownExtension(false)] } },
  { name: 'a URI constraint of the very host', upper: permitted('uri', 'cluster.local') },
  {
    name: 'a URI constraint of another host',
    upper: permitted('uri', 'other.example'),
    refused: /do not allow spiffe:\/\/cluster\.local/,
  },
  { name: 'a URI constraint of hosts below', upper: permitted('uri', '.local') },
  {
    name: 'a URI constraint of hosts below the very host',
    upper: permitted('uri', '.cluster.local'),
    refused: /do not allow spiffe/,
  },
  {
    name: 'a URI constraint that reads as a domain above',
    upper: permitted('uri', 'local'),
    refused: /do not allow spiffe/,
    takenBy: ['go'],
    because: 'Go takes a host as a domain; RFC 5280 and OpenSSL take it as itself',
  },
  { name: 'an excluded URI host', upper: excluded('uri', 'cluster.local'), refused: /do not allow spiffe/ },
  {
    name: 'an excluded URI domain above',
    upper: excluded('uri', 'local'),
    refused: /do not allow spiffe/,
    takenBy: ['openssl', 'envoy'],
    because: 'Go takes a host as a domain and refuses',
  },
  {
    name: 'a URI constraint in the root',
    root: permitted('uri', 'other.example'),
    refused: /CN=Root has name constraints/,
  },
  {
    name: 'a constraint that is not critical',
    upper: { more: [nameConstraints({ permitted: [{ kind: 'uri', value: 'other.example' }] }, false)] },
    refused: /do not allow spiffe/,
  },
  { name: 'a DNS constraint of the domain above', upper: permitted('dns', 'example.com') },
  {
    name: 'a DNS constraint of another domain',
    upper: permitted('dns', 'example.org'),
    refused: /do not allow capstan\.example\.com/,
  },
  { name: 'a DNS constraint with a dot before it', upper: permitted('dns', '.example.com') },
  {
    name: 'a DNS constraint of a longer label',
    upper: permitted('dns', 'stan.example.com'),
    refused: /do not allow capstan/,
  },
  { name: 'an excluded DNS domain', upper: excluded('dns', 'example.com'), refused: /do not allow capstan/ },
  {
    name: 'an address constraint of the net',
    upper: { more: [nameConstraints({ permitted: [{ kind: 'ip', value: NET(2) }] })] },
  },
  {
    name: 'an address constraint of another net',
    upper: { more: [nameConstraints({ permitted: [{ kind: 'ip', value: NET(3) }] })] },
    refused: /do not allow 192\.0\.2\.7/,
  },
  {
    name: 'an excluded net',
    upper: { more: [nameConstraints({ excluded: [{ kind: 'ip', value: NET(2) }] })] },
    refused: /do not allow 192\.0\.2\.7/,
  },
  {
    name: 'a constraint on mail addresses',
    upper: { more: [nameConstraints({ permitted: [{ kind: 'email', value: 'example.com' }] })] },
  },
  {
    name: 'a critical constraint on directory names',
    upper: {
      more: [
        nameConstraints({
          excluded: [
            {
              kind: 'directory',
              value: Buffer.from('301031 0e300c06 03550403 0c054f74 686572'.replaceAll(' ', ''), 'hex'),
            },
          ],
        }),
      ],
    },
    refused: /critical name constraints on directory names/,
    takenBy: ['openssl', 'envoy'],
    because: 'Go refuses it, and with it every agent of Istio',
  },
  {
    name: 'an explicit policy that holds',
    root: { more: [policies(POLICY)] },
    upper: { more: [policies(POLICY), requireExplicitPolicy(0)] },
    issuer: { more: [policies(POLICY)] },
    leaf: { more: [policies(POLICY)] },
  },
  {
    name: 'an explicit policy that the leaf has not',
    upper: { more: [policies(POLICY), requireExplicitPolicy(0)] },
    issuer: { more: [policies(POLICY)] },
    refused: /stands below a CA that requires an explicit policy/,
    takenBy: ['openssl'],
    because: 'OpenSSL checks policies only when it is asked to',
  },
  {
    name: 'an explicit policy that the issuer has not',
    upper: { more: [policies(POLICY), requireExplicitPolicy(0)] },
    issuer: { more: [policies(OTHER)] },
    leaf: { more: [policies(POLICY)] },
    refused: /CN=Issuer has no policy that holds/,
    takenBy: ['openssl'],
    because: 'OpenSSL checks policies only when it is asked to',
  },
  {
    name: 'an explicit policy by way of a mapping',
    upper: { more: [policies(POLICY), mapPolicy(POLICY, OTHER), requireExplicitPolicy(0)] },
    issuer: { more: [policies(OTHER)] },
    leaf: { more: [policies(OTHER)] },
  },
  {
    name: 'any policy where it means nothing',
    upper: { more: [policies(POLICY), requireExplicitPolicy(0), inhibitAnyPolicy(0)] },
    issuer: { more: [policies('2.5.29.32.0')] },
    leaf: { more: [policies(POLICY)] },
    refused: /CN=Issuer has no policy that holds/,
    takenBy: ['openssl'],
    because: 'OpenSSL checks policies only when it is asked to',
  },
  { name: 'an explicit policy further down than the path goes', upper: { more: [requireExplicitPolicy(5)] } },
  {
    name: 'SHA-1 in the middle',
    upper: { signedWith: 'SHA-1' },
    refused: /CN=Upper is signed with ECDSA with SHA-1/,
    takenBy: ['openssl'],
    because: 'the command has a lower security level than TLS has',
  },
  { name: 'SHA-1 in the root', root: { signedWith: 'SHA-1' } },
  {
    name: 'no key identifiers',
    root: { keyId: false },
    upper: { keyId: false, authorityKeyId: false },
    issuer: { keyId: false, authorityKeyId: false },
    leaf: { authorityKeyId: false },
  },
  { name: 'an intermediate that has ended', upper: { endsInDays: -0.5 }, refused: /CN=Upper ended at/ },
  { name: 'an intermediate that has not begun', upper: { startsInDays: 0.5 }, refused: /CN=Upper is not valid before/ },
  { name: 'a root that has ended', root: { endsInDays: -0.5 }, refused: /CN=Root ended at/ },
];

export interface MadePath {
  readonly root: Tier;
  readonly upper: Tier;
  readonly issuer: Tier;
  readonly leaf: Tier;
}

export async function makePath(
  { root = {}, upper = {}, issuer = {}, leaf = {} }: PathCase,
  nowMs: number,
): Promise<MadePath> {
  const tier = tiersAt(nowMs);
  const rootTier = await tier('Root', root);
  const upperTier = await tier('Upper', { by: rootTier, ...upper });
  const issuerTier = await tier('Issuer', { by: upperTier, ...issuer });
  const leafTier = await tier('leaf', { by: issuerTier, ca: false, uses: [SERVER, CLIENT], names: NAMES, ...leaf });
  return { root: rootTier, upper: upperTier, issuer: issuerTier, leaf: leafTier };
}
