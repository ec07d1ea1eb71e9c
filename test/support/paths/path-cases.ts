// Paths from a leaf to a root, each with what Capstan says of it and what other verifiers say: one table for the unit
// test and for the peers. `go` and `openssl` say "take" or "refuse" of the leaf in both its uses; a row where they
// differ from Capstan says why.
import 'reflect-metadata';
import { KeyUsageFlags, Name } from '@peculiar/x509';
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

/** `openssl verify`, Go's crypto/x509, and the two validators of each Envoy as they judge a client. */
export type Verifier =
  'openssl' | 'go' | 'envoy 1.40.0' | 'envoy 1.40.0 spiffe' | 'envoy 1.36.2' | 'envoy 1.36.2 spiffe';

const PLAIN: readonly Verifier[] = ['envoy 1.40.0', 'envoy 1.36.2'];
const SPIFFE: readonly Verifier[] = ['envoy 1.40.0 spiffe', 'envoy 1.36.2 spiffe'];
const ENVOY = [...PLAIN, ...SPIFFE];
const NEWER: readonly Verifier[] = ['envoy 1.40.0', 'envoy 1.40.0 spiffe'];
const OLDER: readonly Verifier[] = ['envoy 1.36.2', 'envoy 1.36.2 spiffe'];

export interface PathCase {
  readonly name: string;
  readonly root?: TierOptions;
  readonly upper?: TierOptions;
  readonly issuer?: TierOptions;
  readonly leaf?: TierOptions;
  /** Which certificates are trusted, in their order; the root where nothing is said. */
  readonly anchors?: readonly ('root' | 'upper' | 'former')[];
  /** Another certificate of the root's name and key: `former` among the anchors. */
  readonly former?: TierOptions;
  readonly formerHasOwnKey?: true;
  /** The serial of the former root stands in the authority key identifier of what the root signed. */
  readonly namesFormer?: boolean;
  /** What Capstan finds; nothing when the path holds. */
  readonly refused?: RegExp;
  /** Verifiers that take what Capstan refuses, and why Capstan does all the same. */
  readonly takenBy?: readonly Verifier[];
  /** Verifiers that refuse a path that holds, because of what is trusted beside its anchor; why Capstan never gives them that. */
  readonly refusedBy?: readonly Verifier[];
  readonly refusalReason?: string;
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

const mailOf = (value: string) => ({ more: [nameConstraints({ permitted: [{ kind: 'email', value }] })] });
/** CN=Other. */
const OTHER_NAME = Buffer.from('3010310e300c06035504030c054f74686572', 'hex');

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
    takenBy: ENVOY,
    refusalReason: 'BoringSSL does not count below the anchor; OpenSSL and Go do',
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
  {
    name: 'any use in a CA',
    upper: { uses: ['2.5.29.37.0'] },
    refused: /CN=Upper may not stand above TLS servers \(extended key usage without serverAuth\)/,
    takenBy: ['go', ...SPIFFE],
    refusalReason: 'OpenSSL and BoringSSL want the use itself in a CA',
  },
  {
    name: 'an issuer for servers only',
    issuer: { uses: [SERVER] },
    refused: /CN=Issuer may not stand above TLS clients/,
    takenBy: SPIFFE,
    refusalReason: 'the SPIFFE validator does not look at uses; the plain one, and whoever we call, do',
  },
  {
    name: 'a root for clients only',
    root: { uses: [CLIENT] },
    refused: /CN=Root may not stand above TLS servers/,
    takenBy: [...ENVOY],
    refusalReason: 'Envoy is asked as a server only here',
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
    takenBy: ENVOY,
    refusalReason: 'BoringSSL does not look at the anchor; OpenSSL and Go do',
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
    refusalReason: 'Go takes a host as a domain; RFC 5280 and OpenSSL take it as itself',
  },
  { name: 'an excluded URI host', upper: excluded('uri', 'cluster.local'), refused: /do not allow spiffe/ },
  {
    name: 'an excluded URI domain above',
    upper: excluded('uri', 'local'),
    refused: /do not allow spiffe/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go takes a host as a domain and refuses',
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
    refused: /has name constraints on addresses, which Envoy does not process/,
    takenBy: ['openssl', 'go'],
    refusalReason: 'BoringSSL knows no constraints on addresses and refuses a leaf that has one',
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
              value: OTHER_NAME,
            },
          ],
        }),
      ],
    },
    refused: /critical name constraints on directory names/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go refuses it, and with it every agent of Istio',
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
    refusalReason: 'OpenSSL checks policies only when it is asked to',
  },
  {
    name: 'an explicit policy that the issuer has not',
    upper: { more: [policies(POLICY), requireExplicitPolicy(0)] },
    issuer: { more: [policies(OTHER)] },
    leaf: { more: [policies(POLICY)] },
    refused: /CN=Issuer has no policy that holds/,
    takenBy: ['openssl'],
    refusalReason: 'OpenSSL checks policies only when it is asked to',
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
    refusalReason: 'OpenSSL checks policies only when it is asked to',
  },
  { name: 'an explicit policy further down than the path goes', upper: { more: [requireExplicitPolicy(5)] } },
  {
    name: 'SHA-1 in the middle',
    upper: { signedWith: 'SHA-1' },
    refused: /CN=Upper is signed with ECDSA with SHA-1/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go refuses it, and so does OpenSSL in TLS',
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
  { name: 'an issuer with an empty subject', issuer: { subject: '' } },
  {
    name: 'a root of RSA 1024',
    root: { keyType: 'rsa-1024' },
    refused: /CN=Root has a key that is RSA of 1024 bits/,
    takenBy: ['openssl', 'go', ...ENVOY],
    refusalReason: 'OpenSSL refuses it in TLS, at its usual security level',
  },
  {
    name: 'an issuer whose curve is spelled out',
    issuer: { keyForm: 'explicit' },
    refused: /CN=Issuer has a key that spells out its curve/,
  },
  {
    name: 'an anchor that is an intermediate',
    anchors: ['upper'],
    refusedBy: ['openssl', ...SPIFFE],
    refusalReason: 'it is refused as an anchor unless sds.spiffeValidator is off',
  },
  {
    name: 'the serial of a former root of the same key',
    former: {},
    namesFormer: true,
    refused: /names serial [0-9a-f]+ in its authority key identifier/,
    takenBy: ['go'],
    refusalReason: 'a hint in RFC 4158, a demand in OpenSSL and BoringSSL',
  },
  {
    name: 'a former root of the same key that is trusted too',
    former: { endsInDays: 10 },
    anchors: ['former', 'root'],
  },
  {
    name: 'an ended twin of the root behind it',
    former: { endsInDays: -0.5 },
    anchors: ['root', 'former'],
    refusedBy: OLDER,
    refusalReason: 'what has ended is not distributed',
  },
  {
    name: 'an ended twin of the root before it',
    former: { endsInDays: -0.5 },
    anchors: ['former', 'root'],
    refusedBy: NEWER,
    refusalReason: 'what has ended is not distributed',
  },
  {
    name: 'a twin of the root before it that has not begun',
    former: { startsInDays: 0.5 },
    anchors: ['former', 'root'],
    refusedBy: NEWER,
    refusalReason: 'of anchors with one key one is distributed',
  },
  {
    name: 'a namesake of another key before it that has not begun',
    former: { startsInDays: 0.5 },
    formerHasOwnKey: true,
    anchors: ['former', 'root'],
  },
  {
    name: 'a namesake of another key behind it that has not begun',
    former: { startsInDays: 0.5 },
    formerHasOwnKey: true,
    anchors: ['root', 'former'],
  },
  {
    name: 'such a namesake before it, where no key is named',
    former: { startsInDays: 0.5 },
    formerHasOwnKey: true,
    upper: { authorityKeyId: false },
    anchors: ['former', 'root'],
    refused: /CN=Upper does not tell by an authority key identifier/,
    takenBy: ['openssl', 'go', ...OLDER],
    refusalReason: 'BoringSSL tries one anchor of a name: the first in 1.40, the last in 1.36',
  },
  {
    name: 'such a namesake behind it, where no key is named',
    former: { startsInDays: 0.5 },
    formerHasOwnKey: true,
    upper: { authorityKeyId: false },
    anchors: ['root', 'former'],
    refused: /CN=Upper does not tell by an authority key identifier/,
    takenBy: ['openssl', 'go', ...NEWER],
    refusalReason: 'BoringSSL tries one anchor of a name: the first in 1.40, the last in 1.36',
  },
  {
    name: 'a key bound to RSASSA-PSS in the middle',
    upper: { keyType: 'rsa-pss', keyForm: 'pss-only' },
    refused: /CN=Upper has a key that is bound to RSASSA-PSS/,
    takenBy: ['openssl'],
    refusalReason: 'OpenSSL alone reads such keys',
  },
  {
    name: 'a key bound to RSASSA-PSS in the root',
    root: { keyType: 'rsa-pss', keyForm: 'pss-only' },
    refused: /CN=Root has a key that is bound to RSASSA-PSS/,
    takenBy: ['openssl'],
    refusalReason: 'OpenSSL alone reads such keys',
  },
  {
    name: 'a plain RSA key that signs with RSASSA-PSS',
    upper: { keyType: 'rsa-pss' },
  },
  {
    name: 'RSASSA-PSS with a short salt',
    root: { keyType: 'rsa-pss' },
    upper: { saltLength: 20 },
    refused: /CN=Upper is signed with an algorithm that mesh peers do not verify \(.* and 20 bytes of salt\)/,
    takenBy: ['openssl'],
    refusalReason: 'Go and BoringSSL want as much salt as the hash has',
  },
  {
    name: 'RSASSA-PSS with a short salt in the own signature of the root',
    root: { keyType: 'rsa-pss', saltLength: 20 },
  },
  {
    name: 'a compressed point in the middle',
    upper: { keyForm: 'compressed' },
    refused: /CN=Upper has a key that is a compressed point/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go reads no compressed point',
  },
  {
    name: 'a compressed point in the root',
    root: { keyForm: 'compressed' },
    refused: /CN=Root has a key that is a compressed point/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go reads no compressed point',
  },
  {
    name: 'critical key identifiers',
    upper: { criticalKeyIds: true },
    refused: /CN=Upper has a critical key identifier/,
  },
  {
    name: 'a critical key identifier in the root',
    root: { criticalKeyIds: true },
    refused: /CN=Root has a critical key identifier/,
    takenBy: ENVOY,
    refusalReason: 'BoringSSL does not look at the anchor; OpenSSL and Go do',
  },
  {
    name: 'an underscore in a PrintableString',
    upper: { subject: new Name([{ CN: [{ printableString: 'Up_per' }] }]) },
    refused: /CN=Up_per has a subject that Go peers do not read/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse what is no PrintableString',
  },
  {
    name: 'an at sign in a PrintableString of the root',
    root: { subject: new Name([{ CN: [{ printableString: 'Ro@ot' }] }]) },
    refused: /CN=Ro@ot has a subject that Go peers do not read/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse what is no PrintableString',
  },
  {
    name: 'a URI constraint of nothing',
    upper: permitted('uri', ''),
    refused: /do not allow spiffe/,
    takenBy: ['go'],
    refusalReason: 'every host for Go, none for the others',
  },
  {
    name: 'an excluded URI of nothing',
    upper: excluded('uri', ''),
    refused: /do not allow spiffe/,
    takenBy: ['openssl', ...OLDER],
    refusalReason: 'every host for Go, and Envoy 1.40 does not read it',
  },
  {
    name: 'a DNS constraint of nothing',
    upper: permitted('dns', ''),
  },
  {
    name: 'a DNS constraint of a dot',
    upper: permitted('dns', '.'),
    refused: /constraints on a DNS name that peers do not read/,
  },
  {
    name: 'a URI constraint of a dot',
    upper: permitted('uri', '.'),
    refused: /constraints on a URI that peers do not read/,
  },
  {
    name: 'an excluded URI with its scheme',
    upper: excluded('uri', 'spiffe://other.example'),
    refused: /constraints on a URI that peers do not read/,
    takenBy: ['openssl', 'go', ...OLDER],
    refusalReason: 'Envoy 1.40 reads hosts alone',
  },
  {
    name: 'an excluded URI that is an address',
    upper: excluded('uri', '10.0.0.1'),
    refused: /constraints on a URI that peers do not read/,
    takenBy: ['openssl', ...OLDER],
    refusalReason: 'neither Go nor Envoy 1.40 reads it',
  },
  {
    name: 'an excluded URI with an underscore',
    upper: excluded('uri', 'other_x.example'),
    refused: /constraints on a URI that peers do not read/,
    takenBy: ['openssl', 'go', ...OLDER],
    refusalReason: 'Envoy 1.40 reads letters, digits and hyphens',
  },
  {
    name: 'an excluded URI of another host',
    upper: excluded('uri', '.other-x.example'),
  },
  {
    name: 'an excluded URI above a trust domain with an underscore',
    upper: excluded('uri', 'other.example'),
    leaf: { names: [{ type: 'url', value: 'spiffe://my_mesh/ns/default/sa/demo' }] },
    refused: /has name constraints on URIs, which Envoy 1\.40 does not process for spiffe:\/\/my_mesh/,
    takenBy: ['openssl', 'go', 'envoy 1.36.2'],
    refusalReason: 'Envoy 1.40 reads letters, digits and hyphens in a host that it compares',
  },
  {
    name: 'a leaf for code alone',
    leaf: { uses: ['1.3.6.1.5.5.7.3.3'] },
    refused: /is neither for TLS servers nor for TLS clients \(extended key usage\)/,
    takenBy: SPIFFE,
    refusalReason: 'the SPIFFE validator does not look at uses',
  },
  {
    name: 'an excluded DNS name with a dot behind it',
    upper: excluded('dns', 'other.example.'),
    refused: /constraints on a DNS name that peers do not read/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse it',
  },
  {
    name: 'an excluded DNS name with a space',
    upper: excluded('dns', 'other .example'),
    refused: /constraints on a DNS name that peers do not read/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse it',
  },
  {
    name: 'an excluded DNS name with a star',
    upper: excluded('dns', '*.other_x.example'),
  },
  {
    name: 'a DNS constraint in capitals',
    upper: permitted('dns', 'EXAMPLE.com'),
  },
  {
    name: 'name constraints that name nothing',
    upper: { more: [nameConstraints({})] },
    refused: /name constraints that name nothing/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse it',
  },
  {
    name: 'an excluded net whose mask has a hole',
    upper: {
      more: [nameConstraints({ excluded: [{ kind: 'ip', value: Uint8Array.of(10, 0, 0, 0, 255, 0, 255, 0) }] })],
    },
    leaf: { names: NAMES.slice(0, 2) },
    refused: /constraints on a range of addresses that peers do not read/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse it',
  },
  {
    name: 'an address in an intermediate below a constraint on addresses',
    root: { more: [nameConstraints({ permitted: [{ kind: 'ip', value: NET(2) }] })] },
    upper: { names: [{ type: 'ip', value: '192.0.2.1' }] },
    leaf: { names: NAMES.slice(0, 2) },
    refused: /has name constraints on addresses, which Envoy does not process/,
    takenBy: ['openssl', 'go'],
    refusalReason: 'BoringSSL judges the names of intermediates too',
  },
  {
    name: 'a URI in an intermediate that is none',
    upper: { names: [{ type: 'url', value: 'spiffe://a b/' }] },
    refused: / has a URI that Go peers do not read \("spiffe:\/\/a b\/"\)/,
    takenBy: ['openssl', ...ENVOY],
    refusalReason: 'Go does not parse it',
  },
  {
    name: 'the SPIFFE ID of another trust domain in an intermediate',
    upper: { names: [{ type: 'url', value: 'spiffe://other.example' }] },
  },
  {
    name: 'a mail address in an intermediate, out of bounds',
    root: mailOf('example.com'),
    upper: { names: [{ type: 'email', value: 'ca@example.org' }] },
    refused: /CN=Root has name constraints that do not allow ca@example\.org/,
  },
  {
    name: 'a mail address in the subject of an intermediate, out of bounds',
    root: mailOf('example.com'),
    upper: { subject: 'CN=Upper, E=ca@example.org' },
    refused: /CN=Root has name constraints that do not allow ca@example\.org/,
    takenBy: ['go'],
    refusalReason: 'Go does not look into subjects',
  },
  {
    name: 'a mail address in the subject of an intermediate, within',
    root: mailOf('example.org'),
    upper: { subject: 'CN=Upper, E=ca@example.org' },
  },
  {
    name: 'a constraint on directory names that is not critical',
    upper: { more: [nameConstraints({ permitted: [{ kind: 'directory', value: OTHER_NAME }] }, false)] },
    refused: /do not allow the subject of the certificate/,
    takenBy: ['go'],
    refusalReason: 'Go knows none on directory names',
  },
  {
    name: 'an intermediate that is named as its root',
    upper: { subject: 'CN=Root' },
  },
  {
    name: 'an intermediate that is named as its root, where no key is named',
    upper: { subject: 'CN=Root' },
    issuer: { authorityKeyId: false },
    refused: /CN=Issuer does not tell by an authority key identifier which CN=Root signed it/,
    takenBy: ['go'],
    refusalReason: 'the others look among the anchors first, and try one alone',
  },
  { name: 'a root that has ended', root: { endsInDays: -0.5 }, refused: /CN=Root ended at/ },
];

export interface MadePath {
  readonly former: Tier;
  readonly anchors: readonly Tier[];
  readonly root: Tier;
  readonly upper: Tier;
  readonly issuer: Tier;
  readonly leaf: Tier;
}

export async function makePath(one: PathCase, nowMs: number): Promise<MadePath> {
  const tier = tiersAt(nowMs);
  const root = await tier('Root', one.root);
  const former = await tier('Root', { ...(one.formerHasOwnKey === true ? {} : { keys: root.keys }), ...one.former });
  const authoritySerial = one.namesFormer === true ? { authoritySerial: former.certificate.serialNumber } : {};
  const upper = await tier('Upper', { by: root, ...authoritySerial, ...one.upper });
  const issuer = await tier('Issuer', { by: upper, ...one.issuer });
  const leaf = await tier('leaf', { by: issuer, ca: false, uses: [SERVER, CLIENT], names: NAMES, ...one.leaf });
  const made = { root, former, upper, issuer, leaf };
  return { ...made, anchors: (one.anchors ?? ['root']).map((name) => made[name]) };
}
